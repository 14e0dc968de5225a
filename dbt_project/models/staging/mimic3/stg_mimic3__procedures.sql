with source as (

    select * from {{ source('mimic3', 'procedures_icd') }}

),

codes as (

    select * from {{ source('mimic3', 'd_icd_procedures') }}

)

select
    cast({{ source_key('mimic3', 'source.row_id') }} as {{ type_text() }}) as procedure_id,
    cast({{ source_key('mimic3', 'source.hadm_id') }} as {{ type_text() }}) as encounter_id,
    {{ lineage('mimic3', 'source') }},
    cast('ICD-9-CM' as {{ type_text() }}) as code_system_code,
    cast(source.icd9_code as {{ type_text() }}) as procedure_code,
    cast(codes.long_title as {{ type_text() }}) as procedure_name,
    cast(source.seq_num as integer) as sequence_number,
    cast(null as {{ type_instant() }}) as performed_at
from source
left join codes on source.icd9_code = codes.icd9_code
