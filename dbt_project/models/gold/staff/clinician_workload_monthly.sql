-- Months in which a doctor attended patients or worked a shift.
with stays as (

    select
        facility_id,
        encounter_key,
        attending_practitioner_key as practitioner_key,
        admission_date,
        discharge_date
    from {{ ref('encounter_facts') }}
    where
        attending_practitioner_key is not null
        and admission_date is not null
        -- a stay that ends before it begins says nothing about its days
        and (discharge_date is null or discharge_date >= admission_date)

),

known_days as (

    -- the days that the data speak of; the last one is taken as complete
    select
        facility_id,
        min(admission_date) as first_date,
        max(case when discharge_date > admission_date then discharge_date else admission_date end) as last_date
    from stays
    group by facility_id

),

days as (

    {{ select_each_day('known_days', ['facility_id'], 'first_date', 'last_date', 'calendar_date') }}

),

months as (

    -- distinct: one row for each month
    select distinct
        facility_id,
        {{ month_of('calendar_date') }} as month_start_date,
        {{ next_month('calendar_date') }} as next_month_start_date
    from days

),

month_parts as (

    select
        stays.facility_id,
        stays.practitioner_key,
        stays.encounter_key,
        months.month_start_date,
        stays.discharge_date < months.next_month_start_date as is_discharged,
        {{ days_between(
            'greatest(stays.admission_date, months.month_start_date)',
            'least(stays.discharge_date, months.next_month_start_date)'
        ) }} as closed_patient_days,
        -- a patient who is still there counts for the last day, too
        1 + {{ days_between(
            'greatest(stays.admission_date, months.month_start_date)',
            'known_days.last_date'
        ) }} as open_patient_days,
        {{ days_between(
            'greatest(stays.admission_date, months.month_start_date)',
            'months.next_month_start_date'
        ) }} as month_patient_days,
        stays.discharge_date is null as is_open
    from stays
    inner join known_days on stays.facility_id = known_days.facility_id
    inner join months
        on
            stays.facility_id = months.facility_id
            and stays.admission_date < months.next_month_start_date
            and (stays.discharge_date is null or stays.discharge_date >= months.month_start_date)

),

attended as (

    select
        facility_id,
        practitioner_key,
        month_start_date,
        count(*) as encounters,
        sum(case when is_discharged then 1 else 0 end) as discharges,
        sum(case when is_open then least(open_patient_days, month_patient_days) else closed_patient_days end)
            as patient_days
    from month_parts
    group by facility_id, practitioner_key, month_start_date

),

shifts as (

    select
        staff_shifts.facility_id,
        staff_shifts.practitioner_id,
        {{ month_of('staff_shifts.shift_date') }} as month_start_date,
        staff_shifts.pay_code,
        {{ seconds_between('staff_shifts.started_at', 'staff_shifts.ended_at') }}
        - 60 * coalesce(staff_shifts.break_minutes, 0) as productive_seconds
    from {{ ref('staff_shifts') }} as staff_shifts
    inner join {{ ref('practitioners') }} as practitioners
        on staff_shifts.practitioner_id = practitioners.practitioner_id
    where
        practitioners.role_code = 'PHYSICIAN'
        and staff_shifts.shift_kind_code = 'WORKED'
        and staff_shifts.absence_code is null

),

shifts_of_month as (

    select
        facility_id,
        practitioner_id,
        month_start_date,
        count(*) as shifts,
        sum(productive_seconds) as productive_seconds,
        sum(case when pay_code = 'OVERTIME' then productive_seconds else 0 end) as overtime_seconds
    from shifts
    group by facility_id, practitioner_id, month_start_date

),

worked as (

    select
        facility_id,
        {{ pseudonym('practitioner_id') }} as practitioner_key,
        month_start_date,
        shifts,
        productive_seconds,
        overtime_seconds
    from shifts_of_month

),

keys as (

    select
        facility_id,
        practitioner_key,
        month_start_date
    from attended
    union distinct
    select
        facility_id,
        practitioner_key,
        month_start_date
    from worked

),

facility_months as (

    select
        facility_id,
        month_start_date,
        sum(encounters) as facility_encounters,
        count(*) as facility_clinicians
    from attended
    group by facility_id, month_start_date

),

covered as (

    select
        facility_id,
        last_date
    from known_days
    union all
    select
        facility_id,
        max(shift_date) as last_date
    from {{ ref('staff_shifts') }}
    where shift_kind_code = 'WORKED'
    group by facility_id

),

open_months as (

    select
        facility_id,
        {{ first_open_month('max(last_date)') }} as open_month
    from covered
    group by facility_id

)

select
    keys.facility_id,
    keys.practitioner_key,
    keys.month_start_date,
    {{ is_provisional('keys.month_start_date', 'open_months.open_month') }} as is_provisional,
    coalesce(attended.encounters, 0) as encounters,
    cast(coalesce(attended.patient_days, 0) as bigint) as patient_days,
    cast(coalesce(attended.discharges, 0) as bigint) as discharges,
    worked.shifts,
    {{ ratio('worked.productive_seconds', 3600) }} as productive_hours,
    {{ ratio('worked.overtime_seconds', 3600) }} as overtime_hours,
    {{ ratio('100 * worked.overtime_seconds', 'worked.productive_seconds', 2) }} as overtime_pct,
    cast(facility_months.facility_encounters as bigint) as facility_encounters,
    facility_months.facility_clinicians,
    {{ ratio('facility_months.facility_encounters', 'facility_months.facility_clinicians', 2) }}
        as encounters_per_clinician
from keys
inner join open_months on keys.facility_id = open_months.facility_id
left join attended
    on
        keys.facility_id = attended.facility_id
        and keys.practitioner_key = attended.practitioner_key
        and keys.month_start_date = attended.month_start_date
left join worked
    on
        keys.facility_id = worked.facility_id
        and keys.practitioner_key = worked.practitioner_key
        and keys.month_start_date = worked.month_start_date
left join facility_months
    on
        keys.facility_id = facility_months.facility_id
        and keys.month_start_date = facility_months.month_start_date
