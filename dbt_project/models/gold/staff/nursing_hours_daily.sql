with nursing as (

    select
        facility_id,
        ward_id,
        work_date,
        sum(direct_care_hours) filter (where role_code = 'RN') as rn_hours,
        sum(direct_care_hours) filter (where role_code = 'LPN') as lpn_hours,
        sum(direct_care_hours) filter (where role_code = 'UAP') as uap_hours,
        sum(direct_care_hours) as total_nursing_hours,
        sum(direct_care_hours) filter (where is_contract) as contract_nursing_hours,
        sum(productive_hours) as productive_hours,
        sum(overtime_hours) as overtime_hours
    from {{ ref('staff_hours') }}
    where role_code in ('RN', 'LPN', 'UAP')
    group by facility_id, ward_id, work_date

),

census_days as (

    -- distinct: one row for each day on which the census of a facility is known
    select distinct
        facility_id,
        census_date
    from {{ ref('daily_census') }}

),

joined as (

    select
        nursing.facility_id,
        nursing.ward_id,
        wards.ward_name,
        wards.ward_type_code,
        nursing.work_date,
        nursing.productive_hours,
        nursing.overtime_hours,
        nursing.total_nursing_hours,
        case when nursing.total_nursing_hours is not null then coalesce(nursing.rn_hours, 0) end as rn_hours,
        case when nursing.total_nursing_hours is not null then coalesce(nursing.lpn_hours, 0) end as lpn_hours,
        case when nursing.total_nursing_hours is not null then coalesce(nursing.uap_hours, 0) end as uap_hours,
        case
            when nursing.total_nursing_hours is not null then coalesce(nursing.contract_nursing_hours, 0)
        end as contract_nursing_hours,
        -- the census of the facility is known and has no row for this ward: nobody was there at midnight
        case
            when census_days.census_date is not null then coalesce(daily_census.midnight_census, 0)
        end as patient_days
    from nursing
    left join {{ ref('daily_census') }} as daily_census
        on
            nursing.facility_id = daily_census.facility_id
            and nursing.work_date = daily_census.census_date
            and nursing.ward_id is not distinct from daily_census.ward_id
    left join census_days
        on
            nursing.facility_id = census_days.facility_id
            and nursing.work_date = census_days.census_date
    left join {{ ref('wards') }} as wards on nursing.ward_id = wards.ward_id

)

select
    facility_id,
    ward_id,
    ward_name,
    ward_type_code,
    work_date,
    cast(productive_hours as decimal(18, 4)) as productive_hours,
    cast(overtime_hours as decimal(18, 4)) as overtime_hours,
    cast(rn_hours as decimal(18, 4)) as rn_hours,
    cast(lpn_hours as decimal(18, 4)) as lpn_hours,
    cast(uap_hours as decimal(18, 4)) as uap_hours,
    cast(total_nursing_hours as decimal(18, 4)) as total_nursing_hours,
    cast(contract_nursing_hours as decimal(18, 4)) as contract_nursing_hours,
    patient_days,
    {{ ratio('total_nursing_hours', 'patient_days', 2) }} as total_nursing_hours_per_patient_day,
    {{ ratio('rn_hours', 'patient_days', 2) }} as rn_hours_per_patient_day,
    {{ ratio('100 * rn_hours', 'total_nursing_hours', 2) }} as rn_skill_mix_pct
from joined
