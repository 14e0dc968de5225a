with moments as (

    -- "now" is the newest moment that the hospital's movements speak of, not the clock of this machine
    select
        facility_id,
        max(moment_at) as as_of_at
    from (
        select
            facility_id,
            case when ended_at > started_at then ended_at else started_at end as moment_at
        from {{ ref('ward_stays') }}
        union all
        select
            facility_id,
            case when discharged_at > admitted_at then discharged_at else admitted_at end as moment_at
        from {{ ref('encounters') }}
        where coalesce(encounter_class_code, 'INPATIENT') = 'INPATIENT'
    ) as movements
    group by facility_id

),

open_ward_stays as (

    -- of two wards that did not see the patient leave, the later one
    select
        facility_id,
        encounter_id,
        ward_id,
        row_number() over (partition by encounter_id order by present_from_at desc, ward_stay_id desc) as recency_number
    from {{ ref('ward_stays') }}
    where present_from_at is not null and present_until_at is null

),

inpatients as (

    select
        facility_id,
        ward_id
    from open_ward_stays
    where recency_number = 1
    union all
    select
        encounters.facility_id,
        cast(null as {{ type_text() }}) as ward_id
    from {{ ref('encounters') }} as encounters
    left join open_ward_stays on encounters.encounter_id = open_ward_stays.encounter_id
    where
        encounters.discharged_at is null
        and coalesce(encounters.encounter_class_code, 'INPATIENT') = 'INPATIENT'
        and not encounters.is_pseudo_admission
        and open_ward_stays.encounter_id is null

),

occupied as (

    select
        facility_id,
        ward_id,
        count(*) as patients_in_ward
    from inpatients
    group by facility_id, ward_id

),

equipped as (

    select
        bed_statuses.facility_id,
        beds.ward_id,
        sum(case when bed_statuses.bed_status_code in ('OPEN', 'CLEANING') then 1 else 0 end) as staffed_beds,
        sum(case when bed_statuses.bed_status_code = 'OPEN' then 1 else 0 end) as available_beds
    from {{ ref('bed_statuses') }} as bed_statuses
    inner join {{ ref('beds') }} as beds on bed_statuses.bed_id = beds.bed_id
    inner join moments on bed_statuses.facility_id = moments.facility_id
    where
        bed_statuses.started_at <= moments.as_of_at
        and coalesce(bed_statuses.ended_at > moments.as_of_at, true)
    group by bed_statuses.facility_id, beds.ward_id

),

places as (

    -- a ward without patients is a row of 0
    select
        facility_id,
        ward_id
    from {{ ref('wards') }}
    union distinct
    select
        facility_id,
        ward_id
    from occupied

)

select
    places.facility_id,
    places.ward_id,
    wards.ward_name,
    wards.ward_type_code,
    moments.as_of_at,
    coalesce(occupied.patients_in_ward, 0) as patients_in_ward,
    cast(equipped.staffed_beds as bigint) as staffed_beds,
    cast(equipped.available_beds as bigint) as available_beds,
    cast(equipped.available_beds - coalesce(occupied.patients_in_ward, 0) as bigint) as free_beds,
    {{ ratio('100 * coalesce(occupied.patients_in_ward, 0)', 'equipped.available_beds', 2) }} as bed_occupancy_rate
from places
inner join moments on places.facility_id = moments.facility_id
left join occupied
    on places.facility_id = occupied.facility_id and {{ is_same('places.ward_id', 'occupied.ward_id') }}
left join equipped
    on places.facility_id = equipped.facility_id and places.ward_id = equipped.ward_id
left join {{ ref('wards') }} as wards on places.ward_id = wards.ward_id
