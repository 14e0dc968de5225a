-- A stay in a ward begins with an admission or a transfer that nobody took back, and ends with the next of them or with
-- the discharge. Only visits that are stays lie in wards.
with steps as (

    select
        *,
        lead(step_at) over (partition by visit_number order by step_number) as next_step_at
    from {{ ref('base_hl7_feed__steps') }}
    where trigger_event in ('A01', 'A02', 'A03', 'A06') and not is_undone

)

select
    {{ source_key('hl7_feed', "steps.visit_number || ':' || cast(steps.step_number as " ~ type_text() ~ ")") }}
        as ward_stay_id,
    {{ source_key('hl7_feed', 'steps.visit_number') }} as encounter_id,
    {{ source_key('hl7_feed', 'steps.ward') }} as ward_id,
    {{ lineage('hl7_feed', 'steps') }},
    case when steps.trigger_event = 'A02' then 'TRANSFER' else 'ADMIT' end as movement_code,
    steps.step_at as started_at,
    steps.next_step_at as ended_at
from steps
inner join {{ ref('stg_hl7_feed__encounters') }} as encounters
    on {{ source_key('hl7_feed', 'steps.visit_number') }} = encounters.encounter_id
where steps.trigger_event <> 'A03' and encounters.encounter_class_code = 'INPATIENT'
