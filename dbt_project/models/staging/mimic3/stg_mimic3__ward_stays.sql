with source as (

    select * from {{ source('mimic3', 'transfers') }}

)

select
    cast({{ source_key('mimic3', 'row_id') }} as varchar) as ward_stay_id,
    cast({{ source_key('mimic3', 'hadm_id') }} as varchar) as encounter_id,
    cast({{ source_key('mimic3', 'curr_wardid') }} as varchar) as ward_id,
    cast(null as varchar) as bed_id,
    cast({{ source_key('mimic3', 'icustay_id') }} as varchar) as icu_stay_id,
    {{ lineage('mimic3') }},
    cast(upper(eventtype) as varchar) as movement_code,
    cast(curr_careunit as varchar) as care_unit_code,
    {{ to_utc('intime', 'mimic3') }} as started_at,
    {{ to_utc('outtime', 'mimic3') }} as ended_at
from source
-- the row of a discharge says that the patient is in no ward any more
where eventtype in ('admit', 'transfer')
