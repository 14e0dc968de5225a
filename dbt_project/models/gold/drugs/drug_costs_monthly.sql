with lines as (

    select
        facility_id,
        drug_event_id,
        drug_id,
        drug_event_kind_code,
        quantity,
        unit_cost,
        price_basis_code,
        event_date,
        {{ month_of('event_date') }} as month_start_date
    from {{ ref('drug_events') }}
    where drug_event_kind_code in ('DISPENSED', 'RETURNED')

),

listed as (

    -- the list price of the day for lines without a price of their own; a contract price goes before others
    select
        lines.drug_event_id,
        prices.unit_cost,
        prices.price_basis_code,
        row_number() over (
            partition by lines.drug_event_id
            order by
                case prices.price_basis_code when 'CONTRACT' then 1 when 'LIST' then 2 when 'NADAC' then 3 else 4 end,
                prices.currency_code
        ) as choice_number
    from lines
    inner join {{ ref('drug_price_history') }} as prices
        on
            lines.facility_id = prices.facility_id
            and lines.drug_id = prices.drug_id
            and lines.event_date between prices.price_start_date and coalesce(prices.price_end_date, lines.event_date)
    where lines.unit_cost is null

),

priced as (

    select
        lines.facility_id,
        lines.drug_id,
        lines.month_start_date,
        lines.drug_event_kind_code,
        lines.quantity,
        coalesce(lines.unit_cost, listed.unit_cost) as unit_cost,
        case
            when lines.unit_cost is not null then lines.price_basis_code else listed.price_basis_code
        end as price_basis_code
    from lines
    left join listed
        on
            lines.drug_event_id = listed.drug_event_id
            and listed.choice_number = 1

),

dispensed as (

    select
        facility_id,
        drug_id,
        month_start_date,
        coalesce(sum(quantity) filter (where drug_event_kind_code = 'DISPENSED'), 0) as dispensed_quantity,
        -coalesce(sum(quantity) filter (where drug_event_kind_code = 'RETURNED'), 0) as returned_quantity,
        cast(sum(quantity * unit_cost) as decimal(18, 4)) as acquisition_cost,
        count(*) filter (where quantity is null or unit_cost is null) as lines_without_cost,
        case
            when count(distinct price_basis_code) > 1 then 'MIXED'
            else coalesce(min(price_basis_code), 'UNKNOWN')
        end as price_basis_code
    from priced
    group by facility_id, drug_id, month_start_date

),

administered as (

    select
        drug_events.facility_id,
        drug_events.drug_id,
        {{ month_of('drug_events.event_date') }} as month_start_date,
        sum(drug_events.quantity) filter (where drug_events.event_status_code = 'GIVEN') as administered_quantity,
        sum(drug_events.waste_quantity) as wasted_quantity
    from {{ ref('drug_events') }} as drug_events
    where drug_events.drug_event_kind_code = 'ADMINISTERED'
    group by drug_events.facility_id, drug_events.drug_id, {{ month_of('drug_events.event_date') }}

),

patient_days as (

    select
        facility_id,
        {{ month_of('census_date') }} as month_start_date,
        sum(midnight_census) as occupied_bed_days
    from {{ ref('daily_census') }}
    group by facility_id, {{ month_of('census_date') }}

),

joined as (

    select
        dispensed.*,
        dispensed.dispensed_quantity - dispensed.returned_quantity as net_quantity,
        administered.administered_quantity,
        administered.wasted_quantity,
        {{ ratio('dispensed.acquisition_cost', 'dispensed.dispensed_quantity - dispensed.returned_quantity') }}
            as unit_cost,
        cast(patient_days.occupied_bed_days as bigint) as occupied_bed_days
    from dispensed
    left join administered
        on
            dispensed.facility_id = administered.facility_id
            and dispensed.drug_id = administered.drug_id
            and dispensed.month_start_date = administered.month_start_date
    left join patient_days
        on
            dispensed.facility_id = patient_days.facility_id
            and dispensed.month_start_date = patient_days.month_start_date

)

select
    joined.facility_id,
    joined.month_start_date,
    joined.drug_id,
    drugs.drug_name,
    drugs.generic_name,
    drugs.pricing_unit_code,
    joined.price_basis_code,
    facilities.currency_code,
    cast(joined.dispensed_quantity as decimal(18, 3)) as dispensed_quantity,
    cast(joined.returned_quantity as decimal(18, 3)) as returned_quantity,
    cast(joined.net_quantity as decimal(18, 3)) as net_quantity,
    joined.acquisition_cost,
    joined.unit_cost,
    cast(joined.administered_quantity as decimal(18, 3)) as administered_quantity,
    cast(joined.wasted_quantity as decimal(18, 3)) as wasted_quantity,
    cast(joined.wasted_quantity * joined.unit_cost as decimal(18, 4)) as waste_cost,
    {{ ratio('100 * joined.wasted_quantity', 'joined.administered_quantity + joined.wasted_quantity', 2) }}
        as waste_pct,
    joined.lines_without_cost,
    joined.occupied_bed_days,
    {{ ratio('joined.acquisition_cost', 'joined.occupied_bed_days') }} as cost_per_patient_day
from joined
inner join {{ ref('facilities') }} as facilities on joined.facility_id = facilities.facility_id
left join {{ ref('drugs') }} as drugs on joined.drug_id = drugs.drug_id
