with provided as (

    {{ unite('staff_hours') }}

),

shifts as (

    select
        staff_shifts.facility_id,
        staff_shifts.ward_id,
        staff_shifts.source_id,
        staff_shifts.batch_id,
        staff_shifts.shift_date as work_date,
        staff_shifts.is_direct_care,
        staff_shifts.pay_code = 'OVERTIME' as is_overtime,
        staff_shifts.shift_kind_code = 'PLANNED' as is_planned,
        staff_shifts.shift_kind_code = 'WORKED' and staff_shifts.absence_code is null as is_worked,
        coalesce(practitioners.role_code, 'OTHER') as role_code,
        coalesce(staff_shifts.pay_code = 'AGENCY', practitioners.is_contract, false) as is_contract,
        {{ seconds_between('staff_shifts.started_at', 'staff_shifts.ended_at') }} as present_seconds,
        {{ seconds_between('staff_shifts.started_at', 'staff_shifts.ended_at') }}
        - 60 * coalesce(staff_shifts.break_minutes, 0) as productive_seconds
    from {{ ref('staff_shifts') }} as staff_shifts
    left join {{ ref('practitioners') }} as practitioners
        on staff_shifts.practitioner_id = practitioners.practitioner_id

),

summed as (

    select
        facility_id,
        ward_id,
        work_date,
        role_code,
        is_contract,
        min(source_id) as source_id,
        max(batch_id) as batch_id,
        sum(productive_seconds) filter (where is_worked) as productive_seconds,
        sum(productive_seconds) filter (where is_worked and is_direct_care) as direct_care_seconds,
        sum(productive_seconds) filter (where is_worked and is_overtime) as overtime_seconds,
        sum(present_seconds) filter (where is_worked) as present_seconds,
        sum(present_seconds) filter (where is_planned) as planned_seconds,
        count(*) filter (where not is_planned) as clocked_shifts,
        count(*) filter (where is_worked and productive_seconds is null) as shifts_without_times
    from shifts
    group by facility_id, ward_id, work_date, role_code, is_contract

),

derived as (

    select
        facility_id,
        ward_id,
        source_id,
        batch_id,
        work_date,
        role_code,
        is_contract,
        shifts_without_times,
        -- nobody clocked in or reported absent: unknown, not 0
        case
            when clocked_shifts > 0 then {{ ratio('coalesce(productive_seconds, 0)', 3600) }}
        end as productive_hours,
        case
            when clocked_shifts > 0 then {{ ratio('coalesce(direct_care_seconds, 0)', 3600) }}
        end as direct_care_hours,
        case
            when clocked_shifts > 0 then {{ ratio('coalesce(overtime_seconds, 0)', 3600) }}
        end as overtime_hours,
        case
            when clocked_shifts > 0 then {{ ratio('coalesce(present_seconds, 0)', 3600) }}
        end as present_hours,
        {{ ratio('planned_seconds', 3600) }} as planned_hours
    from summed

)

select
    facility_id,
    ward_id,
    source_id,
    batch_id,
    row_id,
    work_date,
    role_code,
    is_contract,
    productive_hours,
    direct_care_hours,
    overtime_hours,
    present_hours,
    planned_hours,
    shifts_without_times
from provided

union all

-- what a source reports in aggregate goes before what its detail adds up to
select
    derived.facility_id,
    derived.ward_id,
    derived.source_id,
    derived.batch_id,
    cast(null as bigint) as row_id,
    derived.work_date,
    derived.role_code,
    derived.is_contract,
    derived.productive_hours,
    derived.direct_care_hours,
    derived.overtime_hours,
    derived.present_hours,
    derived.planned_hours,
    derived.shifts_without_times
from derived
where not exists (
    select 1
    from provided
    where
        provided.facility_id = derived.facility_id
        and provided.work_date = derived.work_date
)
