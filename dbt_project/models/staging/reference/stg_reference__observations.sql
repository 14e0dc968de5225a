with source as (

    select * from {{ source('reference', 'exam_result') }}

)

select
    cast({{ source_key('reference', 'res_id') }} as varchar) as observation_id,
    cast({{ source_key('reference', 'case_no') }} as varchar) as encounter_id,
    cast(null as varchar) as patient_id,
    {{ lineage('reference') }},
    cast(exam_cd as varchar) as observation_code,
    cast(exam_nm as varchar) as observation_name,
    cast(value_txt as varchar) as value_text,
    cast(unit_cd as varchar) as unit_code,
    cast(value_num as decimal(18, 4)) as value_number,
    {{ to_utc('taken_ts', 'reference') }} as observed_at
from source
