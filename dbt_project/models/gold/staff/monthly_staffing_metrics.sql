with nursing as (

    select
        facility_id,
        ward_id,
        {{ month_of('work_date') }} as month_start_date,
        sum(patient_days) filter (where total_nursing_hours is not null) as patient_days,
        -- hours and patient days of the same days: those on which both are known
        sum(total_nursing_hours) filter (where patient_days is not null) as total_nursing_hours,
        sum(rn_hours) filter (where patient_days is not null) as rn_hours
    from {{ ref('nursing_hours_daily') }}
    group by facility_id, ward_id, {{ month_of('work_date') }}

),

staff as (

    select
        staff_hours.facility_id,
        staff_hours.ward_id,
        {{ month_of('staff_hours.work_date') }} as month_start_date,
        sum(staff_hours.direct_care_hours) filter (where nursing_days.patient_days is not null) as care_hours,
        sum(staff_hours.present_hours) filter (where staff_hours.role_code in ('RN', 'LPN', 'UAP')) as present_hours,
        sum(staff_hours.planned_hours) filter (where staff_hours.role_code in ('RN', 'LPN', 'UAP')) as planned_hours,
        sum(staff_hours.productive_hours) filter (
            where staff_hours.role_code in ('RN', 'LPN', 'UAP')
        ) as productive_hours,
        sum(staff_hours.overtime_hours) filter (where staff_hours.role_code in ('RN', 'LPN', 'UAP')) as overtime_hours
    from {{ ref('staff_hours') }} as staff_hours
    left join {{ ref('nursing_hours_daily') }} as nursing_days
        on
            staff_hours.facility_id = nursing_days.facility_id
            and staff_hours.ward_id is not distinct from nursing_days.ward_id
            and staff_hours.work_date = nursing_days.work_date
    where staff_hours.role_code in ('RN', 'LPN', 'UAP', 'MIDWIFE', 'AHP')
    group by staff_hours.facility_id, staff_hours.ward_id, {{ month_of('staff_hours.work_date') }}

)

select
    staff.facility_id,
    staff.ward_id,
    wards.ward_name,
    staff.month_start_date,
    cast(nursing.patient_days as bigint) as patient_days,
    cast(nursing.total_nursing_hours as decimal(18, 4)) as total_nursing_hours,
    cast(nursing.rn_hours as decimal(18, 4)) as rn_hours,
    {{ ratio('nursing.total_nursing_hours', 'nursing.patient_days', 2) }} as total_nursing_hours_per_patient_day,
    {{ ratio('nursing.rn_hours', 'nursing.patient_days', 2) }} as rn_hours_per_patient_day,
    {{ ratio('100 * nursing.rn_hours', 'nursing.total_nursing_hours', 2) }} as rn_skill_mix_pct,
    cast(staff.care_hours as decimal(18, 4)) as care_hours,
    {{ ratio('staff.care_hours', 'nursing.patient_days', 2) }} as care_hours_per_patient_day,
    cast(staff.present_hours as decimal(18, 4)) as present_hours,
    cast(staff.planned_hours as decimal(18, 4)) as planned_hours,
    {{ ratio('100 * staff.present_hours', 'staff.planned_hours', 2) }} as fill_rate_pct,
    cast(staff.productive_hours as decimal(18, 4)) as productive_hours,
    cast(staff.overtime_hours as decimal(18, 4)) as overtime_hours,
    {{ ratio('100 * staff.overtime_hours', 'staff.productive_hours', 2) }} as overtime_pct
from staff
left join nursing
    on
        staff.facility_id = nursing.facility_id
        and staff.ward_id is not distinct from nursing.ward_id
        and staff.month_start_date = nursing.month_start_date
left join {{ ref('wards') }} as wards on staff.ward_id = wards.ward_id
