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
        staff_shifts.shift_code = 'NIGHT' as is_night,
        staff_shifts.pay_code = 'OVERTIME' as is_overtime,
        staff_shifts.shift_kind_code = 'PLANNED' as is_planned,
        staff_shifts.shift_kind_code = 'WORKED' and staff_shifts.absence_code is null as is_worked,
        coalesce(practitioners.role_code, 'OTHER') as role_code,
        coalesce(staff_shifts.pay_code = 'AGENCY', practitioners.is_contract, false) as is_contract,
        -- as a patient counts for the day whose midnight the stay reaches
        {{ local_date('staff_shifts.ended_at', 'facilities.timezone') }}
        > {{ local_date('staff_shifts.started_at', 'facilities.timezone') }} as is_present_at_midnight,
        {{ seconds_between('staff_shifts.started_at', 'staff_shifts.ended_at') }} as present_seconds,
        {{ seconds_between('staff_shifts.started_at', 'staff_shifts.ended_at') }}
        - 60 * coalesce(staff_shifts.break_minutes, 0) as productive_seconds
    from {{ ref('staff_shifts') }} as staff_shifts
    left join {{ ref('facilities') }} as facilities on staff_shifts.facility_id = facilities.facility_id
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
        sum(case when is_worked then productive_seconds end) as productive_seconds,
        sum(case when is_worked and is_direct_care then productive_seconds end) as direct_care_seconds,
        sum(case when is_worked and is_overtime then productive_seconds end) as overtime_seconds,
        sum(case when is_worked then present_seconds end) as present_seconds,
        sum(case when is_worked and not is_night then present_seconds end) as present_day_seconds,
        sum(case when is_worked and is_night then present_seconds end) as present_night_seconds,
        sum(case when is_planned then present_seconds end) as planned_seconds,
        sum(case when is_planned and not is_night then present_seconds end) as planned_day_seconds,
        sum(case when is_planned and is_night then present_seconds end) as planned_night_seconds,
        sum(case when is_worked and is_present_at_midnight then 1 else 0 end) as staff_at_midnight,
        sum(case when not is_planned then 1 else 0 end) as clocked_shifts,
        sum(case when is_worked and is_night is null then 1 else 0 end) as shifts_without_code,
        sum(case when is_worked and productive_seconds is null then 1 else 0 end) as shifts_without_times
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
        {% for kind in ('productive', 'direct_care', 'overtime', 'present') -%}
            case
                when clocked_shifts > 0 then {{ ratio('coalesce(' ~ kind ~ '_seconds, 0)', 3600) }}
            end as {{ kind }}_hours,
        {% endfor -%}
        {% for kind in ('present_day', 'present_night') -%}
            case
                when clocked_shifts > 0 and shifts_without_code = 0
                    then {{ ratio('coalesce(' ~ kind ~ '_seconds, 0)', 3600) }}
            end as {{ kind }}_hours,
        {% endfor -%}
        case when clocked_shifts > 0 then staff_at_midnight end as staff_at_midnight,
        {{ ratio('planned_seconds', 3600) }} as planned_hours,
        {{ ratio('planned_day_seconds', 3600) }} as planned_day_hours,
        {{ ratio('planned_night_seconds', 3600) }} as planned_night_hours
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
    paid_hours,
    productive_hours,
    direct_care_hours,
    overtime_hours,
    present_hours,
    present_day_hours,
    present_night_hours,
    planned_hours,
    planned_day_hours,
    planned_night_hours,
    staff_at_midnight,
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
    -- hours on site without meals and leave, as CMS counts them
    derived.productive_hours as paid_hours,
    derived.productive_hours,
    derived.direct_care_hours,
    derived.overtime_hours,
    derived.present_hours,
    derived.present_day_hours,
    derived.present_night_hours,
    derived.planned_hours,
    derived.planned_day_hours,
    derived.planned_night_hours,
    cast(derived.staff_at_midnight as bigint) as staff_at_midnight,
    cast(derived.shifts_without_times as bigint) as shifts_without_times
from derived
where not exists (
    select 1
    from provided
    where
        provided.facility_id = derived.facility_id
        and provided.work_date = derived.work_date
)
