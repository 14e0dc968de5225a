with source as (

    select * from {{ source('reference', 'diagnosis') }}

)

select
    cast({{ source_key('reference', 'dx_id') }} as varchar) as diagnosis_id,
    cast({{ source_key('reference', 'case_no') }} as varchar) as encounter_id,
    {{ lineage('reference') }},
    cast('ICD-10' as varchar) as code_system_code,
    cast(icd10_cd as varchar) as diagnosis_code,
    cast(dx_txt as varchar) as diagnosis_name,
    cast(seq_no as integer) as sequence_number
from source
