with staff as (

    select
        facility_id,
        ward_id,
        work_date,
        {{ sum_of_roles('productive_hours', 'nursing') }} as productive_hours,
        {{ sum_of_roles('overtime_hours', 'nursing') }} as overtime_hours,
        {{ sum_of_roles('direct_care_hours', 'nursing') }} as total_nursing_hours,
        sum(case when role_code = 'RN' then direct_care_hours end) as rn_hours,
        sum(case when role_code = 'LPN' then direct_care_hours end) as lpn_hours,
        sum(case when role_code = 'UAP' then direct_care_hours end) as uap_hours,
        {{ sum_of_roles('direct_care_hours', 'nursing', 'is_contract') }} as contract_nursing_hours,
        {{ sum_of_roles('direct_care_hours', 'care') }} as care_hours,
        {{ sum_of_roles('direct_care_hours', 'registered') }} as registered_care_hours,
        {{ sum_of_roles('direct_care_hours', 'unregistered') }} as unregistered_care_hours,
        {{ sum_of_roles('paid_hours', 'paid') }} as paid_hours,
        {{ sum_of_roles('paid_hours', 'rn_paid') }} as rn_paid_hours,
        {{ sum_of_roles('paid_hours', 'lpn_paid') }} as lpn_paid_hours,
        {{ sum_of_roles('paid_hours', 'na_paid') }} as na_paid_hours,
        {{ sum_of_roles('paid_hours', 'paid', 'is_contract') }} as contract_paid_hours,
        {{ sum_of_roles('staff_at_midnight', 'care') }} as staff_at_midnight,
        sum(case when role_code = 'RN' then staff_at_midnight end) as rn_at_midnight
    from {{ ref('staff_hours') }}
    where role_code in {{ roles_of('care') }} or role_code in {{ roles_of('paid') }}
    group by facility_id, ward_id, work_date

),

staff_days as (

    select
        facility_id,
        work_date,
        count(ward_id) as wards_reported
    from staff
    group by facility_id, work_date

),

census_days as (

    -- one row for each day on which the census of a facility is known; the sum is unknown if a part of it is
    select
        facility_id,
        census_date,
        count(ward_id) as wards_reported,
        case when count(midnight_census) = count(*) then sum(midnight_census) end as midnight_census
    from {{ ref('daily_census') }}
    group by facility_id, census_date

),

joined as (

    select
        staff.facility_id,
        staff.ward_id,
        wards.ward_name,
        wards.ward_type_code,
        staff.work_date,
        {{ is_weekend('staff.work_date') }} as is_weekend,
        staff.productive_hours,
        staff.overtime_hours,
        staff.total_nursing_hours,
        {% for part in ('rn', 'lpn', 'uap', 'contract_nursing') -%}
            {{ part_of('staff.' ~ part ~ '_hours', 'staff.total_nursing_hours') }} as {{ part }}_hours,
        {% endfor -%}
        staff.care_hours,
        {% for part in ('registered', 'unregistered') -%}
            {{ part_of('staff.' ~ part ~ '_care_hours', 'staff.care_hours') }} as {{ part }}_care_hours,
        {% endfor -%}
        staff.paid_hours,
        {% for part in ('rn', 'lpn', 'na', 'contract') -%}
            {{ part_of('staff.' ~ part ~ '_paid_hours', 'staff.paid_hours') }} as {{ part }}_paid_hours,
        {% endfor -%}
        {{ part_of('staff.rn_at_midnight', 'staff.staff_at_midnight') }} as rn_at_midnight,
        case
            -- a hospital that reports its hours as a whole
            when staff_days.wards_reported = 0 then census_days.midnight_census
            -- the census is known for the whole hospital only: nobody can say who lay in which ward
            when census_days.wards_reported = 0 then null
            -- the census of the facility is known and has no row for this ward: nobody was there at midnight
            when census_days.census_date is not null and daily_census.census_date is null then 0
            else daily_census.midnight_census
        end as patient_days
    from staff
    inner join staff_days
        on
            staff.facility_id = staff_days.facility_id
            and staff.work_date = staff_days.work_date
    left join {{ ref('daily_census') }} as daily_census
        on
            staff.facility_id = daily_census.facility_id
            and staff.work_date = daily_census.census_date
            and {{ is_same('staff.ward_id', 'daily_census.ward_id') }}
    left join census_days
        on
            staff.facility_id = census_days.facility_id
            and staff.work_date = census_days.census_date
    left join {{ ref('wards') }} as wards on staff.ward_id = wards.ward_id

)

select
    facility_id,
    ward_id,
    ward_name,
    ward_type_code,
    work_date,
    is_weekend,
    cast(productive_hours as decimal(18, 4)) as productive_hours,
    cast(overtime_hours as decimal(18, 4)) as overtime_hours,
    cast(rn_hours as decimal(18, 4)) as rn_hours,
    cast(lpn_hours as decimal(18, 4)) as lpn_hours,
    cast(uap_hours as decimal(18, 4)) as uap_hours,
    cast(total_nursing_hours as decimal(18, 4)) as total_nursing_hours,
    cast(contract_nursing_hours as decimal(18, 4)) as contract_nursing_hours,
    cast(patient_days as bigint) as patient_days,
    {{ ratio('total_nursing_hours', 'patient_days', 2) }} as total_nursing_hours_per_patient_day,
    {{ ratio('rn_hours', 'patient_days', 2) }} as rn_hours_per_patient_day,
    {{ ratio('100 * rn_hours', 'total_nursing_hours', 2) }} as rn_skill_mix_pct,
    cast(care_hours as decimal(18, 4)) as care_hours,
    cast(registered_care_hours as decimal(18, 4)) as registered_care_hours,
    cast(unregistered_care_hours as decimal(18, 4)) as unregistered_care_hours,
    {{ ratio('care_hours', 'patient_days', 2) }} as care_hours_per_patient_day,
    cast(paid_hours as decimal(18, 4)) as paid_hours,
    cast(rn_paid_hours as decimal(18, 4)) as rn_paid_hours,
    cast(lpn_paid_hours as decimal(18, 4)) as lpn_paid_hours,
    cast(na_paid_hours as decimal(18, 4)) as na_paid_hours,
    cast(contract_paid_hours as decimal(18, 4)) as contract_paid_hours,
    {{ ratio('paid_hours', 'patient_days', 2) }} as hours_per_resident_day,
    {{ ratio('rn_paid_hours', 'patient_days', 2) }} as rn_hours_per_resident_day,
    {{ ratio('lpn_paid_hours', 'patient_days', 2) }} as lpn_hours_per_resident_day,
    {{ ratio('na_paid_hours', 'patient_days', 2) }} as na_hours_per_resident_day,
    {{ ratio('100 * contract_paid_hours', 'paid_hours', 2) }} as contract_hours_pct,
    cast(rn_at_midnight as bigint) as rn_at_midnight,
    {{ ratio('patient_days', 'rn_at_midnight', 2) }} as patients_per_nurse
from joined
