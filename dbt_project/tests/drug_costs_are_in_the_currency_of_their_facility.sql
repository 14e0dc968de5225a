-- Two currencies cannot be added: convert the amounts in the staging model, or let the source name a facility of its own
-- with the currency that it reports in.
with amounts as (

    select facility_id, currency_code from {{ ref('drug_events') }} where unit_cost is not null
    union all
    select facility_id, currency_code from {{ ref('drug_prices') }}
    union all
    select facility_id, currency_code from {{ ref('drug_costs') }}

)

select
    facilities.facility_id,
    facilities.currency_code,
    amounts.currency_code as other_currency_code,
    count(*) as amounts_found
from amounts
inner join {{ ref('facilities') }} as facilities on amounts.facility_id = facilities.facility_id
where coalesce(amounts.currency_code, facilities.currency_code) <> facilities.currency_code
group by facilities.facility_id, facilities.currency_code, amounts.currency_code
