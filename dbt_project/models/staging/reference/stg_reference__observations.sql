with source as (

    select * from {{ source('reference', 'exam_result') }}

)

select
    cast({{ source_key('reference', 'res_id') }} as {{ type_text() }}) as observation_id,
    cast({{ source_key('reference', 'case_no') }} as {{ type_text() }}) as encounter_id,
    cast(null as {{ type_text() }}) as patient_id,
    {{ lineage('reference') }},
    cast(exam_cd as {{ type_text() }}) as observation_code,
    cast(exam_nm as {{ type_text() }}) as observation_name,
    cast(value_txt as {{ type_text() }}) as value_text,
    cast(unit_cd as {{ type_text() }}) as unit_code,
    cast(value_num as decimal(18, 4)) as value_number,
    {{ to_utc('taken_ts', 'reference') }} as observed_at
from source
