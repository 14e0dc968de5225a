with lines as (

    select
        drug_event_costs.*,
        {{ month_of('drug_event_costs.event_date') }} as month_start_date,
        coalesce(encounters.patient_id, drug_event_costs.encounter_id) as patient_id,
        -- the agent of an antimicrobial: ATC J01, J02, J04 and J05
        case when substr(drugs.atc_code, 1, 3) in ('J01', 'J02', 'J04', 'J05') then drugs.atc_code end as agent_code
    from {{ ref('drug_event_costs') }} as drug_event_costs
    left join {{ ref('encounters') }} as encounters on drug_event_costs.encounter_id = encounters.encounter_id
    left join {{ ref('drugs') }} as drugs on drug_event_costs.drug_id = drugs.drug_id

),

doses as (

    -- an agent counts once for a patient and day, whatever the doses, routes and products: for the first of them
    select
        *,
        row_number() over (
            partition by facility_id, patient_id, agent_code, event_date order by drug_id, drug_event_id
        ) as dose_number
    from lines
    where
        drug_event_kind_code = 'ADMINISTERED'
        and event_status_code = 'GIVEN'
        and agent_code is not null
        and patient_id is not null

),

facts as (

    select
        facility_id,
        month_start_date,
        drug_id,
        pricing_unit_code,
        currency_code,
        case when event_status_code = 'GIVEN' then quantity end as administered_quantity,
        waste_quantity as wasted_quantity,
        case when agent_code is not null then 0 end as days_of_therapy,
        cast(null as {{ type_text() }}) as encounter_id,
        cast(null as decimal(18, 6)) as encounter_cost,
        0 as orders,
        cast(null as boolean) as is_formulary
    from lines
    where drug_event_kind_code = 'ADMINISTERED'

    union all

    select
        facility_id,
        month_start_date,
        drug_id,
        pricing_unit_code,
        currency_code,
        cast(null as decimal(18, 3)) as administered_quantity,
        cast(null as decimal(18, 3)) as wasted_quantity,
        1 as days_of_therapy,
        cast(null as {{ type_text() }}) as encounter_id,
        cast(null as decimal(18, 6)) as encounter_cost,
        0 as orders,
        cast(null as boolean) as is_formulary
    from doses
    where dose_number = 1

    union all

    select
        facility_id,
        month_start_date,
        drug_id,
        pricing_unit_code,
        currency_code,
        cast(null as decimal(18, 3)) as administered_quantity,
        cast(null as decimal(18, 3)) as wasted_quantity,
        cast(null as integer) as days_of_therapy,
        encounter_id,
        quantity * unit_cost as encounter_cost,
        0 as orders,
        cast(null as boolean) as is_formulary
    from lines
    where drug_event_kind_code in ('DISPENSED', 'RETURNED') and encounter_id is not null

    union all

    select
        orders.facility_id,
        {{ month_of('orders.event_date') }} as month_start_date,
        orders.drug_id,
        drugs.pricing_unit_code,
        facilities.currency_code,
        cast(null as decimal(18, 3)) as administered_quantity,
        cast(null as decimal(18, 3)) as wasted_quantity,
        cast(null as integer) as days_of_therapy,
        cast(null as {{ type_text() }}) as encounter_id,
        cast(null as decimal(18, 6)) as encounter_cost,
        1 as orders,
        orders.is_formulary
    from {{ ref('drug_events') }} as orders
    inner join {{ ref('facilities') }} as facilities on orders.facility_id = facilities.facility_id
    left join {{ ref('drugs') }} as drugs on orders.drug_id = drugs.drug_id
    where orders.drug_event_kind_code = 'PRESCRIBED'

)

select
    facility_id,
    month_start_date,
    drug_id,
    pricing_unit_code,
    currency_code,
    cast(sum(administered_quantity) as decimal(18, 3)) as administered_quantity,
    cast(sum(wasted_quantity) as decimal(18, 3)) as wasted_quantity,
    cast(sum(days_of_therapy) as bigint) as days_of_therapy,
    count(distinct encounter_id) as encounters,
    cast(sum(encounter_cost) as decimal(18, 6)) as encounter_cost,
    cast(sum(orders) as bigint) as orders,
    count(is_formulary) as orders_with_formulary_flag,
    cast(sum(case when is_formulary then 1 else 0 end) as bigint) as formulary_orders
from facts
where month_start_date is not null
group by facility_id, month_start_date, drug_id, pricing_unit_code, currency_code
