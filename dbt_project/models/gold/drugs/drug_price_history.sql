select
    prices.facility_id,
    prices.drug_id,
    drugs.drug_name,
    prices.price_basis_code,
    prices.currency_code,
    prices.pricing_unit_code,
    prices.price_start_date,
    prices.price_end_date,
    prices.unit_cost,
    prices.previous_unit_cost,
    cast(prices.unit_cost - prices.previous_unit_cost as decimal(18, 4)) as price_change_abs,
    {{ ratio('100 * (prices.unit_cost - prices.previous_unit_cost)', 'prices.previous_unit_cost', 2) }}
        as price_change_pct,
    prices.is_current
from {{ ref('drug_prices') }} as prices
left join {{ ref('drugs') }} as drugs on prices.drug_id = drugs.drug_id
