with admitted as (

    select
        facility_id,
        {{ month_of('admission_date') }} as month_start_date,
        count(*) as admissions
    from {{ ref('encounter_facts') }}
    group by facility_id, {{ month_of('admission_date') }}

),

discharged as (

    select
        facility_id,
        {{ month_of('discharge_date') }} as month_start_date,
        count(*) as discharges,
        count(*) filter (where is_death_in_hospital) as deaths_in_hospital,
        count(is_death_in_hospital) as discharges_with_disposition,
        sum(length_of_stay_days) as total_length_of_stay_days,
        count(length_of_stay_days) as discharges_with_length_of_stay
    from {{ ref('encounter_facts') }}
    where discharge_date is not null
    group by facility_id, {{ month_of('discharge_date') }}

),

returned as (

    -- what a hospital returns for the month goes before the days that it sends
    select
        facility_id,
        month_start_date,
        max(census_days) as census_days,
        sum(occupied_bed_days) as occupied_bed_days,
        sum(case when available_bed_days is not null then occupied_bed_days end) as occupied_known_bed_days,
        sum(case when occupied_bed_days is not null then available_bed_days end) as available_bed_days
    from {{ ref('monthly_census') }}
    group by facility_id, month_start_date

),

counted as (

    select
        facility_id,
        {{ month_of('census_date') }} as month_start_date,
        count(distinct case when midnight_census is not null then census_date end) as census_days,
        sum(midnight_census) as occupied_bed_days,
        -- the rate compares the same ward days: those whose patients and beds are known
        sum(case when available_beds is not null then midnight_census end) as occupied_known_bed_days,
        sum(case when midnight_census is not null then available_beds end) as available_bed_days
    from {{ ref('gold_daily_census') }}
    group by facility_id, {{ month_of('census_date') }}

),

census as (

    select
        facility_id,
        month_start_date,
        census_days,
        occupied_bed_days,
        occupied_known_bed_days,
        available_bed_days
    from returned
    union all
    select
        counted.facility_id,
        counted.month_start_date,
        counted.census_days,
        counted.occupied_bed_days,
        counted.occupied_known_bed_days,
        counted.available_bed_days
    from counted
    left join returned
        on
            counted.facility_id = returned.facility_id
            and counted.month_start_date = returned.month_start_date
    where returned.facility_id is null

),

months as (

    select
        facility_id,
        month_start_date
    from admitted
    union distinct
    select
        facility_id,
        month_start_date
    from discharged
    union distinct
    select
        facility_id,
        month_start_date
    from census

)

select
    months.facility_id,
    months.month_start_date,
    coalesce(admitted.admissions, 0) as admissions,
    coalesce(discharged.discharges, 0) as discharges,
    coalesce(discharged.deaths_in_hospital, 0) as deaths_in_hospital,
    coalesce(discharged.discharges_with_disposition, 0) as discharges_with_disposition,
    cast(discharged.total_length_of_stay_days as bigint) as total_length_of_stay_days,
    coalesce(discharged.discharges_with_length_of_stay, 0) as discharges_with_length_of_stay,
    {{ ratio('discharged.total_length_of_stay_days', 'discharged.discharges_with_length_of_stay', 2) }}
        as average_length_of_stay,
    {{ ratio('100 * discharged.deaths_in_hospital', 'discharged.discharges_with_disposition', 2) }}
        as in_hospital_mortality_rate,
    census.census_days,
    cast(census.occupied_bed_days as bigint) as occupied_bed_days,
    cast(census.occupied_known_bed_days as bigint) as occupied_known_bed_days,
    cast(census.available_bed_days as bigint) as available_bed_days,
    {{ ratio('census.occupied_bed_days', 'census.census_days', 2) }} as average_daily_census,
    {{ ratio('100 * census.occupied_known_bed_days', 'census.available_bed_days', 2) }} as bed_occupancy_rate
from months
left join admitted
    on
        months.facility_id = admitted.facility_id
        and months.month_start_date = admitted.month_start_date
left join discharged
    on
        months.facility_id = discharged.facility_id
        and months.month_start_date = discharged.month_start_date
left join census
    on
        months.facility_id = census.facility_id
        and months.month_start_date = census.month_start_date
