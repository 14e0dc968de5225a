-- A patient counts for a day if the patient is in the ward at the local midnight that ends the day, so a stay counts
-- for its first local date up to the day before its last one, whatever the clocks do on these days.
with provided as (

    {{ unite('daily_census') }}

),

stays as (

    -- as long as it lies within the stay in hospital
    select
        ward_stays.facility_id,
        ward_stays.encounter_id,
        ward_stays.ward_id,
        ward_stays.ward_stay_id,
        ward_stays.source_id,
        ward_stays.batch_id,
        ward_stays.present_from_at,
        {{ local_date('ward_stays.present_from_at', 'facilities.timezone') }} as start_date,
        {{ local_date('ward_stays.present_until_at', 'facilities.timezone') }} as end_date,
        {{ last_local_date('ward_stays.present_until_at', 'facilities.timezone') }} as last_present_date
    from {{ ref('ward_stays') }} as ward_stays
    inner join {{ ref('facilities') }} as facilities on ward_stays.facility_id = facilities.facility_id
    where ward_stays.present_from_at is not null

),

known_days as (

    -- the days that the data speak of; the last one is taken as complete
    select
        facility_id,
        min(source_id) as source_id,
        max(batch_id) as batch_id,
        min(start_date) as first_date,
        max(greatest(start_date, coalesce(end_date, start_date))) as last_date
    from stays
    group by facility_id

),

present as (

    select
        stays.facility_id,
        stays.ward_id,
        stays.start_date,
        stays.end_date,
        coalesce(stays.last_present_date, known_days.last_date) as last_present_date,
        -- days of the same case in the same ward that an earlier ward stay has counted already
        max(coalesce(stays.last_present_date, known_days.last_date)) over (
            partition by stays.encounter_id, stays.ward_id
            order by stays.present_from_at, stays.ward_stay_id
            rows between unbounded preceding and 1 preceding
        ) as counted_until_date
    from stays
    inner join known_days on stays.facility_id = known_days.facility_id

),

patient_days as (

    {{ select_each_day(
        'present',
        ['facility_id', 'ward_id', 'end_date', 'counted_until_date'],
        'start_date',
        'last_present_date',
        'census_date'
    ) }}

),

occupied as (

    select
        facility_id,
        ward_id,
        census_date,
        sum(case when end_date is null or census_date < end_date then 1 else 0 end) as midnight_census,
        sum(case when counted_until_date is null or census_date > counted_until_date then 1 else 0 end) as days_present
    from patient_days
    group by facility_id, ward_id, census_date

),

bed_periods as (

    select
        bed_statuses.facility_id,
        beds.ward_id,
        bed_statuses.bed_status_code,
        known_days.first_date,
        known_days.last_date,
        {{ local_date('bed_statuses.started_at', 'facilities.timezone') }} as start_date,
        {{ local_date('bed_statuses.ended_at', 'facilities.timezone') }} as end_date
    from {{ ref('bed_statuses') }} as bed_statuses
    inner join {{ ref('beds') }} as beds on bed_statuses.bed_id = beds.bed_id
    inner join {{ ref('facilities') }} as facilities on bed_statuses.facility_id = facilities.facility_id
    inner join known_days on bed_statuses.facility_id = known_days.facility_id

),

bed_days as (

    {{ select_each_day(
        'bed_periods',
        ['facility_id', 'ward_id', 'bed_status_code'],
        "greatest(coalesce(start_date, first_date), first_date)",
        "least(coalesce(" ~ add_days('end_date', -1) ~ ", last_date), last_date)",
        'census_date'
    ) }}

),

equipped as (

    select
        facility_id,
        ward_id,
        census_date,
        sum(case when bed_status_code in ('OPEN', 'CLEANING') then 1 else 0 end) as staffed_beds,
        sum(case when bed_status_code = 'OPEN' then 1 else 0 end) as available_beds
    from bed_days
    group by facility_id, ward_id, census_date

),

derived as (

    select
        known_days.facility_id,
        known_days.source_id,
        known_days.batch_id,
        coalesce(occupied.ward_id, equipped.ward_id) as ward_id,
        coalesce(occupied.census_date, equipped.census_date) as census_date,
        coalesce(occupied.midnight_census, 0) as midnight_census,
        coalesce(occupied.days_present, 0) as days_present,
        equipped.staffed_beds,
        equipped.available_beds
    from occupied
    full outer join equipped
        on
            occupied.facility_id = equipped.facility_id
            and occupied.ward_id = equipped.ward_id
            and occupied.census_date = equipped.census_date
    inner join known_days on coalesce(occupied.facility_id, equipped.facility_id) = known_days.facility_id

)

select
    facility_id,
    ward_id,
    source_id,
    batch_id,
    row_id,
    census_date,
    midnight_census,
    days_present,
    staffed_beds,
    available_beds
from provided

union all

-- what a source reports in aggregate goes before what its detail adds up to
select
    derived.facility_id,
    derived.ward_id,
    derived.source_id,
    derived.batch_id,
    cast(null as bigint) as row_id,
    derived.census_date,
    cast(derived.midnight_census as bigint) as midnight_census,
    cast(derived.days_present as bigint) as days_present,
    cast(derived.staffed_beds as bigint) as staffed_beds,
    cast(derived.available_beds as bigint) as available_beds
from derived
where not exists (
    select 1
    from provided
    where
        provided.facility_id = derived.facility_id
        and provided.census_date = derived.census_date
)
