with source as (

    select * from {{ source('reference', 'bed_movement') }}

)

select
    cast({{ source_key('reference', 'mv_id') }} as {{ type_text() }}) as ward_stay_id,
    cast({{ source_key('reference', 'case_no') }} as {{ type_text() }}) as encounter_id,
    cast({{ source_key('reference', 'ward_cd') }} as {{ type_text() }}) as ward_id,
    cast({{ source_key('reference', 'bed_no') }} as {{ type_text() }}) as bed_id,
    cast(null as {{ type_text() }}) as icu_stay_id,
    {{ lineage('reference') }},
    cast(mv_cd as {{ type_text() }}) as movement_code,
    cast(null as {{ type_text() }}) as care_unit_code,
    {{ to_utc('start_ts', 'reference') }} as started_at,
    {{ to_utc('end_ts', 'reference') }} as ended_at
from source
