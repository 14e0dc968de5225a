-- Millilitres and milligrams cannot be added, nor can a price by the one be applied to the other: convert them in the
-- staging model, or list what is counted otherwise as a drug of its own.
with units as (

    select drug_id, pricing_unit_code from {{ ref('drugs') }}
    union all
    select drug_id, pricing_unit_code from {{ ref('drug_prices') }}
    union all
    select drug_id, quantity_unit_code as pricing_unit_code from {{ ref('drug_events') }}
    union all
    select drug_id, pricing_unit_code from {{ ref('drug_costs') }}

)

select
    drug_id,
    min(pricing_unit_code) as first_unit_code,
    max(pricing_unit_code) as last_unit_code
from units
where drug_id is not null
group by drug_id
having min(pricing_unit_code) <> max(pricing_unit_code)
