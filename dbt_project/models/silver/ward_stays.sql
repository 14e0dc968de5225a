with united as (

    {{ unite('ward_stays', derived=['present_from_at', 'present_until_at', 'is_outside_encounter']) }}

),

-- clocks of wards and of admission differ: a patient is in the ward no longer than in the hospital
clipped as (

    select
        united.*,
        encounters.is_pseudo_admission,
        case
            when encounters.admitted_at > united.started_at then encounters.admitted_at else united.started_at
        end as clipped_from_at,
        case
            when united.ended_at is null or encounters.discharged_at < united.ended_at
                then encounters.discharged_at
            else united.ended_at
        end as clipped_until_at,
        coalesce(
            united.started_at < encounters.admitted_at
            or united.started_at > encounters.discharged_at
            or united.ended_at > encounters.discharged_at
            or (united.ended_at is null and encounters.discharged_at is not null),
            false
        ) as is_outside_encounter
    from united
    left join {{ ref('encounters') }} as encounters on united.encounter_id = encounters.encounter_id

),

placed as (

    select
        *,
        coalesce(is_pseudo_admission, false) or coalesce(clipped_until_at < clipped_from_at, false) as is_never_present
    from clipped

)

select
    ward_stay_id,
    encounter_id,
    ward_id,
    bed_id,
    icu_stay_id,
    facility_id,
    source_id,
    batch_id,
    row_id,
    movement_code,
    care_unit_code,
    started_at,
    ended_at,
    case when not is_never_present then clipped_from_at end as present_from_at,
    case when not is_never_present then clipped_until_at end as present_until_at,
    is_outside_encounter
from placed
