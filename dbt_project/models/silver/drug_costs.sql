with provided as (

    {{ unite('drug_costs', derived=['costed_quantity', 'lines_without_cost']) }}

),

lines as (

    select
        *,
        {{ month_of('event_date') }} as period_start_date,
        case when unit_cost is not null then quantity end as costed_quantity,
        case when quantity is null or unit_cost is null then 1 else 0 end as line_without_cost
    from {{ ref('drug_event_costs') }}
    where drug_event_kind_code in ('DISPENSED', 'RETURNED')

),

derived as (

    select
        facility_id,
        drug_id,
        pricing_unit_code,
        price_basis_code,
        currency_code,
        period_start_date,
        min(source_id) as source_id,
        max(batch_id) as batch_id,
        sum(quantity) as quantity,
        -sum(case when drug_event_kind_code = 'RETURNED' then quantity else 0 end) as returned_quantity,
        sum(costed_quantity) as costed_quantity,
        sum(quantity * unit_cost) as actual_cost,
        sum(line_without_cost) as lines_without_cost
    from lines
    group by facility_id, drug_id, pricing_unit_code, price_basis_code, currency_code, period_start_date

),

reported_months as (

    -- distinct: a source reports many drugs of a month
    select distinct
        facility_id,
        {{ month_of('period_start_date') }} as month_start_date
    from provided

)

select
    drug_cost_id,
    drug_id,
    facility_id,
    source_id,
    batch_id,
    row_id,
    drug_class_code,
    drug_class_system_code,
    pricing_unit_code,
    price_basis_code,
    currency_code,
    period_start_date,
    period_end_date,
    items,
    quantity,
    returned_quantity,
    case when actual_cost is not null then quantity end as costed_quantity,
    net_ingredient_cost,
    actual_cost,
    case when actual_cost is null then 1 else 0 end as lines_without_cost
from provided

union all

-- what a source reports in aggregate goes before what its detail adds up to
select
    derived.facility_id || ':' || cast(derived.period_start_date as {{ type_text() }}) || ':' || coalesce(derived.drug_id, '')
    || ':' || coalesce(derived.pricing_unit_code, '') || ':' || coalesce(derived.price_basis_code, '')
    || ':' || derived.currency_code as drug_cost_id,
    derived.drug_id,
    derived.facility_id,
    derived.source_id,
    derived.batch_id,
    cast(null as bigint) as row_id,
    cast(null as {{ type_text() }}) as drug_class_code,
    cast(null as {{ type_text() }}) as drug_class_system_code,
    derived.pricing_unit_code,
    derived.price_basis_code,
    derived.currency_code,
    derived.period_start_date,
    {{ add_days(next_month('derived.period_start_date'), -1) }} as period_end_date,
    cast(null as bigint) as items,
    cast(derived.quantity as decimal(18, 3)) as quantity,
    cast(derived.returned_quantity as decimal(18, 3)) as returned_quantity,
    cast(derived.costed_quantity as decimal(18, 3)) as costed_quantity,
    cast(null as decimal(18, 6)) as net_ingredient_cost,
    cast(derived.actual_cost as decimal(18, 6)) as actual_cost,
    cast(derived.lines_without_cost as bigint) as lines_without_cost
from derived
left join reported_months
    on
        derived.facility_id = reported_months.facility_id
        and derived.period_start_date = reported_months.month_start_date
where reported_months.facility_id is null
