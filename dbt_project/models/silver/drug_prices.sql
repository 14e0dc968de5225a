with provided as (

    {{ unite('drug_prices', derived=['previous_unit_cost', 'price_end_date', 'is_current']) }}

),

listed as (

    select
        *,
        row_number() over (
            partition by facility_id, drug_id, price_basis_code, currency_code, pricing_unit_code, price_start_date
            order by price_list_name desc, drug_price_id desc
        ) as newest_first
    from provided
    where price_start_date is not null and unit_cost is not null

),

effective as (

    -- two lists may name the same effective date: the newest list holds
    select
        *,
        lag(unit_cost) over (
            partition by facility_id, drug_id, price_basis_code, currency_code, pricing_unit_code
            order by price_start_date
        ) as previous_unit_cost
    from listed
    where newest_first = 1

),

changes as (

    -- a list that repeats a price starts no new period
    select
        *,
        lead(price_start_date) over (
            partition by facility_id, drug_id, price_basis_code, currency_code, pricing_unit_code
            order by price_start_date
        ) as next_start_date
    from effective
    where previous_unit_cost is null or previous_unit_cost <> unit_cost

)

select
    drug_price_id,
    drug_id,
    facility_id,
    source_id,
    batch_id,
    row_id,
    price_list_name,
    price_basis_code,
    pricing_unit_code,
    currency_code,
    unit_cost,
    previous_unit_cost,
    price_start_date,
    {{ add_days('next_start_date', -1) }} as price_end_date,
    next_start_date is null as is_current
from changes
