-- Every line that was dispensed or returned is in exactly one month of drug_costs_monthly.
with silver as (

    select
        facility_id,
        sum(quantity) as quantity
    from {{ ref('drug_events') }}
    where drug_event_kind_code in ('DISPENSED', 'RETURNED')
    group by facility_id

),

gold as (

    select
        facility_id,
        sum(net_quantity) as quantity
    from {{ ref('drug_costs_monthly') }}
    group by facility_id

)

select silver.facility_id
from silver
left join gold on silver.facility_id = gold.facility_id
where silver.quantity is distinct from gold.quantity
