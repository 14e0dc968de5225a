with listed as (

    select
        *,
        row_number() over (
            partition by facility_id, drug_id, price_basis_code, currency_code, price_start_date
            order by price_list_name desc, drug_price_id desc
        ) as newest_first
    from {{ ref('drug_prices') }}
    where price_start_date is not null and unit_cost is not null

),

effective as (

    -- two lists may name the same effective date: the newest list holds
    select
        *,
        lag(unit_cost) over (
            partition by facility_id, drug_id, price_basis_code, currency_code order by price_start_date
        ) as preceding_unit_cost
    from listed
    where newest_first = 1

),

changes as (

    -- a list that repeats a price starts no new period
    select
        *,
        lead(price_start_date) over (
            partition by facility_id, drug_id, price_basis_code, currency_code order by price_start_date
        ) as next_start_date
    from effective
    where preceding_unit_cost is null or preceding_unit_cost <> unit_cost

)

select
    changes.facility_id,
    changes.drug_id,
    drugs.drug_name,
    changes.price_basis_code,
    changes.currency_code,
    changes.pricing_unit_code,
    changes.price_start_date,
    changes.next_start_date - 1 as price_end_date,
    changes.unit_cost,
    changes.preceding_unit_cost as previous_unit_cost,
    cast(changes.unit_cost - changes.preceding_unit_cost as decimal(18, 4)) as price_change_abs,
    {{ ratio('100 * (changes.unit_cost - changes.preceding_unit_cost)', 'changes.preceding_unit_cost', 2) }}
        as price_change_pct,
    changes.next_start_date is null as is_current
from changes
left join {{ ref('drugs') }} as drugs on changes.drug_id = drugs.drug_id
