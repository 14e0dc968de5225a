-- Hours are summed from days, or taken from the return of a month if the hospital sends one: never both.
with returned_months as (

    select distinct
        facility_id,
        month_start_date
    from {{ ref('monthly_staff_hours') }}
    where
        coalesce(
            paid_hours, productive_hours, direct_care_hours, present_hours, present_day_hours, present_night_hours
        ) is not null

),

returned as (

    -- without the roles that no measure of this table is about
    select *
    from {{ ref('monthly_staff_hours') }}
    where
        role_code in {{ roles_of('care') }}
        or role_code in {{ roles_of('paid') }}
        or (role_code = 'PHYSICIAN' and fte_in_post is not null)

),

reported as (

    select
        staff_hours.*,
        -- a roster on which nobody has reported yet is no plan that was missed
        max(case when staff_hours.present_hours is not null then 1 else 0 end) over (
            partition by staff_hours.facility_id, staff_hours.ward_id, staff_hours.work_date
        ) as is_day_reported,
        {{ month_of('staff_hours.work_date') }} as month_start_date
    from {{ ref('staff_hours') }} as staff_hours
    where staff_hours.role_code in {{ roles_of('care') }} or staff_hours.role_code in {{ roles_of('paid') }}

),

staff as (

    select
        reported.facility_id,
        reported.ward_id,
        reported.month_start_date,
        reported.role_code,
        reported.is_contract,
        reported.paid_hours,
        reported.productive_hours,
        reported.overtime_hours,
        reported.present_hours,
        reported.present_day_hours,
        reported.present_night_hours,
        case when reported.is_day_reported = 1 then reported.planned_hours end as planned_hours,
        case when reported.is_day_reported = 1 then reported.planned_day_hours end as planned_day_hours,
        case when reported.is_day_reported = 1 then reported.planned_night_hours end as planned_night_hours,
        cast(null as decimal(18, 4)) as fte_in_post
    from reported
    left join returned_months
        on
            reported.facility_id = returned_months.facility_id
            and reported.month_start_date = returned_months.month_start_date
    where returned_months.facility_id is null
    union all
    select
        facility_id,
        ward_id,
        month_start_date,
        role_code,
        is_contract,
        paid_hours,
        productive_hours,
        overtime_hours,
        present_hours,
        present_day_hours,
        present_night_hours,
        planned_hours,
        planned_day_hours,
        planned_night_hours,
        fte_in_post
    from returned

),

staff_of_month as (

    select
        facility_id,
        ward_id,
        month_start_date,
        {{ sum_of_roles('present_hours', 'nursing') }} as present_hours,
        {{ sum_of_roles('planned_hours', 'nursing') }} as planned_hours,
        {% for time in ('day', 'night') -%}
            {% for group in ('registered', 'unregistered') -%}
                {{ sum_of_roles('present_' ~ time ~ '_hours', group) }} as present_{{ time }}_{{ group }}_hours,
                {{ sum_of_roles('planned_' ~ time ~ '_hours', group) }} as planned_{{ time }}_{{ group }}_hours,
            {% endfor -%}
        {% endfor -%}
        {{ sum_of_roles('productive_hours', 'nursing') }} as productive_hours,
        {{ sum_of_roles('overtime_hours', 'nursing') }} as overtime_hours,
        {{ sum_of_roles('paid_hours', 'paid') }} as paid_hours,
        {{ sum_of_roles('paid_hours', 'paid', 'is_contract') }} as contract_paid_hours,
        {{ sum_of_roles('fte_in_post', 'rn_paid') }} as rn_fte_in_post,
        sum(case when role_code = 'PHYSICIAN' then fte_in_post end) as physician_fte_in_post
    from staff
    group by facility_id, ward_id, month_start_date

),

returned_hours as (

    select
        facility_id,
        ward_id,
        month_start_date,
        {{ sum_of_roles('productive_hours', 'nursing') }} as productive_hours,
        {{ sum_of_roles('direct_care_hours', 'nursing') }} as total_nursing_hours,
        sum(case when role_code = 'RN' then direct_care_hours end) as rn_hours,
        {{ sum_of_roles('direct_care_hours', 'care') }} as care_hours,
        {{ sum_of_roles('direct_care_hours', 'registered') }} as registered_care_hours,
        {{ sum_of_roles('direct_care_hours', 'unregistered') }} as unregistered_care_hours,
        {{ sum_of_roles('paid_hours', 'paid') }} as paid_hours,
        {{ sum_of_roles('paid_hours', 'rn_paid') }} as rn_paid_hours,
        {{ sum_of_roles('paid_hours', 'lpn_paid') }} as lpn_paid_hours,
        {{ sum_of_roles('paid_hours', 'na_paid') }} as na_paid_hours
    from returned
    group by facility_id, ward_id, month_start_date

),

returned_census as (

    select
        returned_hours.facility_id,
        returned_hours.ward_id,
        returned_hours.month_start_date,
        sum(monthly_census.occupied_bed_days) as patient_days
    from returned_hours
    inner join {{ ref('monthly_census') }} as monthly_census
        on
            returned_hours.facility_id = monthly_census.facility_id
            and returned_hours.month_start_date = monthly_census.month_start_date
            -- hours of the whole hospital are set against all of its patients
            and (returned_hours.ward_id is null or returned_hours.ward_id = monthly_census.ward_id)
    group by returned_hours.facility_id, returned_hours.ward_id, returned_hours.month_start_date

),

periods as (

    select
        nursing_days.facility_id,
        nursing_days.ward_id,
        {{ month_of('nursing_days.work_date') }} as month_start_date,
        nursing_days.work_date as period_start_date,
        nursing_days.is_weekend,
        nursing_days.patient_days,
        nursing_days.productive_hours,
        nursing_days.total_nursing_hours,
        nursing_days.rn_hours,
        nursing_days.care_hours,
        nursing_days.registered_care_hours,
        nursing_days.unregistered_care_hours,
        nursing_days.paid_hours,
        nursing_days.rn_paid_hours,
        nursing_days.lpn_paid_hours,
        nursing_days.na_paid_hours,
        nursing_days.rn_at_midnight
    from {{ ref('nursing_hours_daily') }} as nursing_days
    left join returned_months
        on
            nursing_days.facility_id = returned_months.facility_id
            and {{ month_of('nursing_days.work_date') }} = returned_months.month_start_date
    where returned_months.facility_id is null
    union all
    select
        returned_hours.facility_id,
        returned_hours.ward_id,
        returned_hours.month_start_date,
        returned_hours.month_start_date as period_start_date,
        cast(null as boolean) as is_weekend,
        returned_census.patient_days,
        returned_hours.productive_hours,
        returned_hours.total_nursing_hours,
        {{ part_of('returned_hours.rn_hours', 'returned_hours.total_nursing_hours') }} as rn_hours,
        returned_hours.care_hours,
        {% for part in ('registered', 'unregistered') -%}
            {{ part_of('returned_hours.' ~ part ~ '_care_hours', 'returned_hours.care_hours') }}
                as {{ part }}_care_hours,
        {% endfor -%}
        returned_hours.paid_hours,
        {% for part in ('rn', 'lpn', 'na') -%}
            {{ part_of('returned_hours.' ~ part ~ '_paid_hours', 'returned_hours.paid_hours') }}
                as {{ part }}_paid_hours,
        {% endfor -%}
        cast(null as bigint) as rn_at_midnight
    from returned_hours
    left join returned_census
        on
            returned_hours.facility_id = returned_census.facility_id
            and {{ is_same('returned_hours.ward_id', 'returned_census.ward_id') }}
            and returned_hours.month_start_date = returned_census.month_start_date

),

budgets as (

    select
        *,
        lead(budget_start_date) over (partition by facility_id, ward_id order by budget_start_date) as next_start_date
    from {{ ref('staffing_budgets') }}

),

budgeted as (

    select
        periods.*,
        case
            when periods.productive_hours is not null
                then periods.patient_days * budgets.budgeted_hours_per_patient_day
        end as budgeted_hours
    from periods
    left join budgets
        on
            periods.facility_id = budgets.facility_id
            and {{ is_same('periods.ward_id', 'budgets.ward_id') }}
            and periods.period_start_date >= budgets.budget_start_date
            and (budgets.next_start_date is null or periods.period_start_date < budgets.next_start_date)

),

care_of_month as (

    -- hours and patient days of the same days: those on which both are known
    select
        facility_id,
        ward_id,
        month_start_date,
        sum(case when total_nursing_hours is not null then patient_days end) as patient_days,
        {% for kind in ('total_nursing', 'rn', 'care', 'registered_care', 'unregistered_care') -%}
            sum(case when patient_days is not null then {{ kind }}_hours end) as {{ kind }}_hours,
        {% endfor -%}
        sum(case when care_hours is not null then patient_days end) as care_patient_days,
        sum(case when paid_hours is not null then patient_days end) as resident_days,
        {% for part in ('', 'rn_', 'lpn_', 'na_') -%}
            sum(case when patient_days is not null then {{ part }}paid_hours end) as {{ part }}resident_hours,
        {% endfor -%}
        sum(case when is_weekend and paid_hours is not null then patient_days end) as weekend_resident_days,
        {% for part in ('', 'rn_') -%}
            sum(case when is_weekend and patient_days is not null then {{ part }}paid_hours end)
                as weekend_{{ part }}resident_hours,
        {% endfor -%}
        sum(case when rn_at_midnight is not null then patient_days end) as midnight_patients,
        sum(case when patient_days is not null then rn_at_midnight end) as midnight_nurses,
        sum(budgeted_hours) as budgeted_hours,
        sum(case when budgeted_hours is not null then productive_hours end) as budget_productive_hours
    from budgeted
    group by facility_id, ward_id, month_start_date

),

covered as (

    -- plans reach into the future: only what was worked says how far the hours go
    select
        facility_id,
        {{ first_open_month('max(work_date)') }} as open_month,
        true as has_hours
    from {{ ref('staff_hours') }}
    where coalesce(productive_hours, paid_hours, direct_care_hours) is not null
    group by facility_id
    union all
    select
        facility_id,
        {{ next_month('max(month_start_date)') }} as open_month,
        true as has_hours
    from returned_months
    group by facility_id
    union all
    select
        facility_id,
        {{ next_month('max(month_start_date)') }} as open_month,
        false as has_hours
    from {{ ref('monthly_staff_hours') }}
    group by facility_id

),

open_months as (

    -- a return of posts says how far the data go only where there are no hours
    select
        facility_id,
        coalesce(max(case when has_hours then open_month end), max(open_month)) as open_month
    from covered
    group by facility_id

)

select
    staff.facility_id,
    staff.ward_id,
    wards.ward_name,
    staff.month_start_date,
    {{ is_provisional('staff.month_start_date', 'open_months.open_month') }} as is_provisional,
    cast(care.patient_days as bigint) as patient_days,
    cast(care.care_patient_days as bigint) as care_patient_days,
    cast(care.resident_days as bigint) as resident_days,
    cast(care.weekend_resident_days as bigint) as weekend_resident_days,
    cast(care.midnight_patients as bigint) as midnight_patients,
    cast(care.midnight_nurses as bigint) as midnight_nurses,
    {% for kind in (
        'total_nursing', 'rn', 'care', 'registered_care', 'unregistered_care', 'resident', 'rn_resident', 'lpn_resident',
        'na_resident', 'weekend_resident', 'weekend_rn_resident', 'budgeted', 'budget_productive'
    ) -%}
        cast(care.{{ kind }}_hours as decimal(18, 4)) as {{ kind }}_hours,
    {% endfor -%}
    {% for kind in (
        'present', 'planned', 'present_day_registered', 'planned_day_registered', 'present_day_unregistered',
        'planned_day_unregistered', 'present_night_registered', 'planned_night_registered', 'present_night_unregistered',
        'planned_night_unregistered', 'productive', 'overtime', 'paid'
    ) -%}
        cast(staff.{{ kind }}_hours as decimal(18, 4)) as {{ kind }}_hours,
    {% endfor -%}
    cast({{ part_of('staff.contract_paid_hours', 'staff.paid_hours') }} as decimal(18, 4)) as contract_paid_hours,
    cast(staff.rn_fte_in_post as decimal(18, 4)) as rn_fte_in_post,
    cast(staff.physician_fte_in_post as decimal(18, 4)) as physician_fte_in_post,
    {{ ratio('care.total_nursing_hours', 'care.patient_days', 2) }} as total_nursing_hours_per_patient_day,
    {{ ratio('care.rn_hours', 'care.patient_days', 2) }} as rn_hours_per_patient_day,
    {{ ratio('100 * care.rn_hours', 'care.total_nursing_hours', 2) }} as rn_skill_mix_pct,
    {{ ratio('care.care_hours', 'care.care_patient_days', 2) }} as care_hours_per_patient_day,
    {% for group in ('registered', 'unregistered') -%}
        {{ ratio('care.' ~ group ~ '_care_hours', 'care.care_patient_days', 2) }}
            as {{ group }}_care_hours_per_patient_day,
    {% endfor -%}
    {{ ratio('care.resident_hours', 'care.resident_days', 2) }} as hours_per_resident_day,
    {% for part in ('rn', 'lpn', 'na') -%}
        {{ ratio('care.' ~ part ~ '_resident_hours', 'care.resident_days', 2) }} as {{ part }}_hours_per_resident_day,
    {% endfor -%}
    {% for part in ('', 'rn_') -%}
        {{ ratio('care.weekend_' ~ part ~ 'resident_hours', 'care.weekend_resident_days', 2) }}
            as weekend_{{ part }}hours_per_resident_day,
    {% endfor -%}
    case
        when care.resident_hours = 0 then 'NO_HOURS'
        when care.resident_hours > 12 * care.resident_days then 'TOTAL_ABOVE_12'
        when 100 * care.na_resident_hours > 525 * care.resident_days then 'NA_ABOVE_5_25'
    end as cms_aberrant_code,
    {{ ratio('100 * coalesce(staff.contract_paid_hours, 0)', 'staff.paid_hours', 2) }} as contract_hours_pct,
    {{ ratio('100 * staff.present_hours', 'staff.planned_hours', 2) }} as fill_rate_pct,
    {% for time in ('day', 'night') -%}
        {% for group in ('registered', 'unregistered') -%}
            {%- set kind = time ~ '_' ~ group ~ '_hours' -%}
            {{ ratio('100 * staff.present_' ~ kind, 'staff.planned_' ~ kind, 2) }}
                as fill_rate_{{ time }}_{{ group }}_pct,
        {% endfor -%}
    {% endfor -%}
    {{ ratio('100 * staff.overtime_hours', 'staff.productive_hours', 2) }} as overtime_pct,
    {{ ratio('100 * care.budgeted_hours', 'care.budget_productive_hours', 2) }} as productivity_pct,
    2080 as full_time_hours_per_year,
    {{ ratio('12 * staff.paid_hours', 2080, 2) }} as fte,
    {{ ratio('care.midnight_patients', 'care.midnight_nurses', 2) }} as patients_per_nurse
from staff_of_month as staff
left join care_of_month as care
    on
        staff.facility_id = care.facility_id
        and {{ is_same('staff.ward_id', 'care.ward_id') }}
        and staff.month_start_date = care.month_start_date
left join open_months on staff.facility_id = open_months.facility_id
left join {{ ref('wards') }} as wards on staff.ward_id = wards.ward_id
