with lines as (

    select
        drug_events.drug_event_id,
        drug_events.encounter_id,
        drug_events.drug_id,
        drug_events.facility_id,
        drug_events.source_id,
        drug_events.batch_id,
        drug_events.drug_event_kind_code,
        drug_events.event_status_code,
        drug_events.event_date,
        drug_events.quantity,
        drug_events.waste_quantity,
        drug_events.unit_cost,
        drug_events.price_basis_code,
        drug_events.currency_code,
        facilities.currency_code as facility_currency_code,
        coalesce(drug_events.quantity_unit_code, drugs.pricing_unit_code) as pricing_unit_code
    from {{ ref('drug_events') }} as drug_events
    inner join {{ ref('facilities') }} as facilities on drug_events.facility_id = facilities.facility_id
    left join {{ ref('drugs') }} as drugs on drug_events.drug_id = drugs.drug_id
    where drug_events.drug_event_kind_code in ('DISPENSED', 'RETURNED', 'ADMINISTERED')

),

days as (

    -- distinct: many lines of a drug on one day ask for the same price
    select distinct
        facility_id,
        facility_currency_code,
        drug_id,
        pricing_unit_code,
        event_date
    from lines
    where unit_cost is null

),

listed as (

    -- the price of the day for lines without a price of their own; a contract price goes before others
    select
        days.facility_id,
        days.drug_id,
        days.pricing_unit_code,
        days.event_date,
        prices.unit_cost,
        prices.price_basis_code,
        prices.currency_code,
        row_number() over (
            partition by days.facility_id, days.drug_id, days.pricing_unit_code, days.event_date
            order by
                case prices.price_basis_code when 'CONTRACT' then 1 when 'LIST' then 2 when 'NADAC' then 3 else 4 end,
                prices.price_basis_code
        ) as choice_number
    from days
    inner join {{ ref('drug_prices') }} as prices
        on
            days.facility_id = prices.facility_id
            and days.drug_id = prices.drug_id
            -- a price by the millilitre says nothing of tablets; a price without a unit is by that of the drug
            and coalesce(prices.pricing_unit_code, days.pricing_unit_code, '')
            = coalesce(days.pricing_unit_code, prices.pricing_unit_code, '')
            and days.facility_currency_code = prices.currency_code
            and days.event_date between prices.price_start_date and coalesce(prices.price_end_date, days.event_date)

)

select
    lines.drug_event_id,
    lines.encounter_id,
    lines.drug_id,
    lines.facility_id,
    lines.source_id,
    lines.batch_id,
    lines.drug_event_kind_code,
    lines.event_status_code,
    lines.event_date,
    lines.quantity,
    lines.waste_quantity,
    lines.pricing_unit_code,
    coalesce(lines.unit_cost, listed.unit_cost) as unit_cost,
    case when lines.unit_cost is not null then lines.price_basis_code else listed.price_basis_code end
        as price_basis_code,
    case
        when lines.unit_cost is not null then coalesce(lines.currency_code, lines.facility_currency_code)
        else lines.facility_currency_code
    end as currency_code
from lines
left join listed
    on
        lines.unit_cost is null
        and lines.facility_id = listed.facility_id
        and lines.drug_id = listed.drug_id
        and coalesce(lines.pricing_unit_code, '') = coalesce(listed.pricing_unit_code, '')
        and lines.event_date = listed.event_date
        and listed.choice_number = 1
