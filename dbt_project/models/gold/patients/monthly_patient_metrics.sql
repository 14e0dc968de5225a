with admitted as (

    select
        facility_id,
        {{ month_of('admission_date') }} as month_start_date,
        count(*) as admissions,
        sum(case when is_newborn then 1 else 0 end) as newborn_admissions
    from {{ ref('encounter_facts') }}
    where is_inpatient_stay
    group by facility_id, {{ month_of('admission_date') }}

),

discharged as (

    select
        facility_id,
        {{ month_of('discharge_date') }} as month_start_date,
        count(*) as discharges,
        sum(case when is_death_in_hospital then 1 else 0 end) as deaths_in_hospital,
        count(is_death_in_hospital) as discharges_with_disposition,
        sum(case when is_death_within_30_days then 1 else 0 end) as deaths_within_30_days,
        count(is_death_within_30_days) as discharges_with_30_day_outcome,
        sum(length_of_stay_days) as total_length_of_stay_days,
        count(length_of_stay_days) as discharges_with_length_of_stay,
        -- weights of two families do not add up
        case when min(drg_family_code) = max(drg_family_code) then min(drg_family_code) end as drg_family_code,
        sum(drg_relative_weight) as total_drg_weight,
        count(drg_relative_weight) as discharges_with_drg_weight,
        count(is_readmitted_30d_all_cause) as index_admissions,
        sum(case when is_readmitted_30d_all_cause then 1 else 0 end) as readmissions_30d_all_cause,
        count(is_readmitted_30d_unplanned) as index_admissions_of_known_outcome,
        sum(case when is_readmitted_30d_unplanned then 1 else 0 end) as readmissions_30d_unplanned
    from {{ ref('encounter_facts') }}
    where is_inpatient_stay and discharge_date is not null
    group by facility_id, {{ month_of('discharge_date') }}

),

arrived as (

    select
        emergency_visits.facility_id,
        {{ month_of(local_date('emergency_visits.arrived_at', 'facilities.timezone')) }} as month_start_date,
        {{ seconds_between('emergency_visits.arrived_at', 'emergency_visits.departed_at') }} as seconds_in_emergency
    from {{ ref('emergency_visits') }} as emergency_visits
    inner join {{ ref('facilities') }} as facilities on emergency_visits.facility_id = facilities.facility_id

),

attended as (

    select
        facility_id,
        month_start_date,
        count(*) as ed_attendances,
        sum(case when seconds_in_emergency >= 0 then 1 else 0 end) as ed_attendances_with_times,
        sum(case when seconds_in_emergency > 14400 then 1 else 0 end) as ed_four_hour_breaches
    from arrived
    group by facility_id, month_start_date

),

returned as (

    -- what a hospital returns for the month goes before the days that it sends
    select
        facility_id,
        month_start_date,
        max(census_days) as census_days,
        max(case when available_bed_days is not null then census_days end) as days_with_known_beds,
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
        count(
            distinct case when available_beds is not null and midnight_census is not null then census_date end
        ) as days_with_known_beds,
        sum(midnight_census) as occupied_bed_days,
        sum(days_present) as days_present,
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
        days_with_known_beds,
        occupied_bed_days,
        cast(null as bigint) as days_present,
        occupied_known_bed_days,
        available_bed_days
    from returned
    union all
    select
        counted.facility_id,
        counted.month_start_date,
        counted.census_days,
        counted.days_with_known_beds,
        counted.occupied_bed_days,
        counted.days_present,
        counted.occupied_known_bed_days,
        counted.available_bed_days
    from counted
    left join returned
        on counted.facility_id = returned.facility_id and counted.month_start_date = returned.month_start_date
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
    from attended
    union distinct
    select
        facility_id,
        month_start_date
    from census

),

observed as (

    -- the newest day of which the data of a facility speak
    select
        facility_id,
        max(last_date) as last_date
    from (
        select
            facility_id,
            {{ greater_of('admission_date', 'discharge_date') }} as last_date
        from {{ ref('encounter_facts') }}
        union all
        select
            facility_id,
            census_date as last_date
        from {{ ref('gold_daily_census') }}
        union all
        select
            facility_id,
            {{ add_days(next_month('month_start_date'), -1) }} as last_date
        from {{ ref('monthly_census') }}
    ) as dates
    group by facility_id

),

joined as (

    select
        months.facility_id,
        months.month_start_date,
        -- a month in which nobody came and nobody left was not sent: it is unknown, not empty
        case
            when discharged.discharges is not null then coalesce(admitted.admissions, 0)
            else admitted.admissions
        end as admissions,
        case
            when discharged.discharges is not null then coalesce(admitted.newborn_admissions, 0)
            else admitted.newborn_admissions
        end as newborn_admissions,
        case
            when admitted.admissions is not null then coalesce(discharged.discharges, 0)
            else discharged.discharges
        end as discharges,
        discharged.deaths_in_hospital,
        discharged.discharges_with_disposition,
        discharged.deaths_within_30_days,
        discharged.discharges_with_30_day_outcome,
        discharged.total_length_of_stay_days,
        discharged.discharges_with_length_of_stay,
        discharged.drg_family_code,
        case when discharged.drg_family_code is not null then discharged.total_drg_weight end as total_drg_weight,
        discharged.discharges_with_drg_weight,
        discharged.index_admissions,
        discharged.readmissions_30d_all_cause,
        discharged.index_admissions_of_known_outcome,
        discharged.readmissions_30d_unplanned,
        attended.ed_attendances,
        attended.ed_attendances_with_times,
        attended.ed_four_hour_breaches,
        census.census_days,
        census.occupied_bed_days,
        census.days_present,
        census.occupied_known_bed_days,
        census.available_bed_days,
        census.days_with_known_beds,
        {{ ratio('census.available_bed_days', 'census.days_with_known_beds', 4) }} as average_available_beds,
        census.available_bed_days - census.occupied_known_bed_days as empty_bed_days,
        {{ days_between(next_month('months.month_start_date'), 'observed.last_date') }}
            as days_since_month_end
    from months
    left join observed on months.facility_id = observed.facility_id
    left join admitted
        on months.facility_id = admitted.facility_id and months.month_start_date = admitted.month_start_date
    left join discharged
        on months.facility_id = discharged.facility_id and months.month_start_date = discharged.month_start_date
    left join attended
        on months.facility_id = attended.facility_id and months.month_start_date = attended.month_start_date
    left join census
        on months.facility_id = census.facility_id and months.month_start_date = census.month_start_date

)

select
    facility_id,
    month_start_date,
    -- the last stay of the month is followed for 30 days when day 30 after the month is in the data
    coalesce(days_since_month_end < 29, true) as is_provisional,
    admissions,
    cast(newborn_admissions as bigint) as newborn_admissions,
    discharges,
    cast(deaths_in_hospital as bigint) as deaths_in_hospital,
    discharges_with_disposition,
    {{ ratio('100 * deaths_in_hospital', 'discharges_with_disposition', 2) }} as in_hospital_mortality_rate,
    cast(deaths_within_30_days as bigint) as deaths_within_30_days,
    discharges_with_30_day_outcome,
    {{ ratio('100 * deaths_within_30_days', 'discharges_with_30_day_outcome', 2) }} as mortality_30d_rate,
    cast(total_length_of_stay_days as bigint) as total_length_of_stay_days,
    discharges_with_length_of_stay,
    {{ ratio('total_length_of_stay_days', 'discharges_with_length_of_stay', 2) }} as average_length_of_stay,
    drg_family_code,
    cast(total_drg_weight as decimal(18, 4)) as total_drg_weight,
    discharges_with_drg_weight,
    {{ ratio('total_drg_weight', 'discharges_with_drg_weight', 4) }} as case_mix_index,
    index_admissions,
    cast(readmissions_30d_all_cause as bigint) as readmissions_30d_all_cause,
    {{ ratio('100 * readmissions_30d_all_cause', 'index_admissions', 2) }} as readmission_30d_all_cause_rate,
    index_admissions_of_known_outcome,
    cast(readmissions_30d_unplanned as bigint) as readmissions_30d_unplanned,
    {{ ratio('100 * readmissions_30d_unplanned', 'index_admissions_of_known_outcome', 2) }}
        as readmission_30d_unplanned_rate,
    ed_attendances,
    cast(ed_attendances_with_times as bigint) as ed_attendances_with_times,
    cast(ed_four_hour_breaches as bigint) as ed_four_hour_breaches,
    {{ ratio('100 * ed_four_hour_breaches', 'ed_attendances_with_times', 2) }} as ed_four_hour_breach_rate,
    census_days,
    cast(occupied_bed_days as bigint) as occupied_bed_days,
    cast(days_present as bigint) as days_present,
    cast(occupied_known_bed_days as bigint) as occupied_known_bed_days,
    cast(available_bed_days as bigint) as available_bed_days,
    days_with_known_beds,
    average_available_beds,
    cast(empty_bed_days as bigint) as empty_bed_days,
    {{ ratio('occupied_bed_days', 'census_days', 2) }} as average_daily_census,
    {{ ratio('100 * occupied_known_bed_days', 'available_bed_days', 2) }} as bed_occupancy_rate,
    -- discharges of wards whose beds are not known would be set against the beds of others
    case
        when occupied_known_bed_days = occupied_bed_days then {{ ratio('discharges', 'average_available_beds', 2) }}
    end as bed_turnover_rate,
    case when occupied_known_bed_days = occupied_bed_days then {{ ratio('empty_bed_days', 'discharges', 2) }} end
        as turnover_interval_days
from joined
