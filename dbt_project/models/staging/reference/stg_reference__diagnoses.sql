with source as (

    select * from {{ source('reference', 'diagnosis') }}

)

select
    cast({{ source_key('reference', 'dx_id') }} as {{ type_text() }}) as diagnosis_id,
    cast({{ source_key('reference', 'case_no') }} as {{ type_text() }}) as encounter_id,
    {{ lineage('reference') }},
    cast('ICD-10' as {{ type_text() }}) as code_system_code,
    cast(icd10_cd as {{ type_text() }}) as diagnosis_code,
    cast(dx_txt as {{ type_text() }}) as diagnosis_name,
    cast(seq_no as integer) as sequence_number
from source
