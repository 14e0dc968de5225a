-- Every line that was dispensed or returned, and everything that a source reports in its place, is in exactly one month
-- of drug_costs_monthly.
with reported as (

    select
        facility_id,
        {{ month_of('period_start_date') }} as month_start_date,
        sum(quantity) as quantity,
        sum(actual_cost) as cost
    from {{ ref('drug_costs') }}
    where row_id is not null
    group by facility_id, {{ month_of('period_start_date') }}

),

lines as (

    select
        facility_id,
        {{ month_of('event_date') }} as month_start_date,
        sum(quantity) as quantity,
        cast(sum(quantity * unit_cost) as decimal(18, 6)) as cost
    from {{ ref('drug_event_costs') }}
    where drug_event_kind_code in ('DISPENSED', 'RETURNED')
    group by facility_id, {{ month_of('event_date') }}

),

silver as (

    select * from reported
    union all
    select lines.*
    from lines
    left join reported
        on lines.facility_id = reported.facility_id and lines.month_start_date = reported.month_start_date
    where reported.facility_id is null

),

gold as (

    select
        facility_id,
        month_start_date,
        sum(net_quantity) as quantity,
        sum(acquisition_cost) as cost
    from {{ ref('drug_costs_monthly') }}
    group by facility_id, month_start_date

)

select silver.facility_id
from silver
left join gold on silver.facility_id = gold.facility_id and silver.month_start_date = gold.month_start_date
where
    coalesce(silver.quantity, 0) <> coalesce(gold.quantity, 0)
    -- each drug is rounded after it was summed
    or abs(coalesce(silver.cost, 0) - coalesce(gold.cost, 0)) > 0.005
