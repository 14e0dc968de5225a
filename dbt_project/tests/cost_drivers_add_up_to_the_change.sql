-- The effects of a drug add up to its change of cost, and those of all drugs to the change of the facility's cost.
with drivers as (

    select
        facility_id,
        currency_code,
        month_start_date,
        sum(cost_change) as cost_change
    from {{ ref('drug_cost_drivers') }}
    group by facility_id, currency_code, month_start_date

),

months as (

    select
        facility_id,
        currency_code,
        month_start_date,
        {{ next_month('month_start_date') }} as next_month_start_date,
        sum(acquisition_cost) as cost
    from {{ ref('drug_costs_monthly') }}
    where acquisition_cost is not null
    group by facility_id, currency_code, month_start_date

),

known as (

    select
        drivers.facility_id,
        drivers.currency_code,
        drivers.month_start_date,
        drivers.cost_change,
        coalesce(months.cost, 0) - coalesce(months_before.cost, 0) as change_of_facility
    from drivers
    left join months
        on
            drivers.facility_id = months.facility_id
            and drivers.currency_code = months.currency_code
            and drivers.month_start_date = months.month_start_date
    left join months as months_before
        on
            drivers.facility_id = months_before.facility_id
            and drivers.currency_code = months_before.currency_code
            and drivers.month_start_date = months_before.next_month_start_date

)

select
    facility_id,
    month_start_date
from {{ ref('drug_cost_drivers') }}
where price_effect + volume_effect + new_effect + discontinued_effect + undivided_effect <> cost_change

union all

select
    facility_id,
    month_start_date
from known
where cost_change <> change_of_facility
