with source as (

    select * from {{ source('mimic3', 'transfers') }}

)

select
    cast({{ source_key('mimic3', 'row_id') }} as {{ type_text() }}) as ward_stay_id,
    cast({{ source_key('mimic3', 'hadm_id') }} as {{ type_text() }}) as encounter_id,
    cast({{ source_key('mimic3', 'curr_wardid') }} as {{ type_text() }}) as ward_id,
    cast(null as {{ type_text() }}) as bed_id,
    cast({{ source_key('mimic3', 'icustay_id') }} as {{ type_text() }}) as icu_stay_id,
    {{ lineage('mimic3') }},
    cast(upper(eventtype) as {{ type_text() }}) as movement_code,
    cast(curr_careunit as {{ type_text() }}) as care_unit_code,
    {{ to_utc('intime', 'mimic3') }} as started_at,
    {{ to_utc('outtime', 'mimic3') }} as ended_at
from source
-- the row of a discharge says that the patient is in no ward any more
where eventtype in ('admit', 'transfer')
