with months as (

    select
        facility_id,
        {{ month_of('period_start_date') }} as month_start_date,
        drug_id,
        case when drug_id is null then drug_class_code end as drug_class_code,
        case when drug_id is null then drug_class_system_code end as drug_class_system_code,
        pricing_unit_code,
        price_basis_code,
        currency_code,
        sum(actual_cost) as acquisition_cost,
        case when count(costed_quantity) = count(*) then sum(costed_quantity) end as quantity
    from {{ ref('drug_costs') }}
    where actual_cost is not null
    group by 1, 2, 3, 4, 5, 6, 7, 8

),

paired as (

    -- each month beside the one before, as far as a drug has them
    select
        facility_id,
        month_start_date,
        drug_id,
        drug_class_code,
        drug_class_system_code,
        pricing_unit_code,
        price_basis_code,
        currency_code,
        acquisition_cost,
        quantity,
        1 as is_there,
        cast(null as decimal(18, 6)) as previous_acquisition_cost,
        cast(null as decimal(18, 3)) as previous_quantity,
        0 as was_there
    from months

    union all

    select
        facility_id,
        {{ next_month('month_start_date') }} as month_start_date,
        drug_id,
        drug_class_code,
        drug_class_system_code,
        pricing_unit_code,
        price_basis_code,
        currency_code,
        cast(null as decimal(18, 6)) as acquisition_cost,
        cast(null as decimal(18, 3)) as quantity,
        0 as is_there,
        acquisition_cost as previous_acquisition_cost,
        quantity as previous_quantity,
        1 as was_there
    from months

),

compared as (

    select
        facility_id,
        month_start_date,
        drug_id,
        drug_class_code,
        drug_class_system_code,
        pricing_unit_code,
        price_basis_code,
        currency_code,
        cast(sum(acquisition_cost) as decimal(18, 6)) as acquisition_cost,
        cast(sum(quantity) as decimal(18, 3)) as costed_quantity,
        max(is_there) as is_there,
        cast(sum(previous_acquisition_cost) as decimal(18, 6)) as previous_acquisition_cost,
        cast(sum(previous_quantity) as decimal(18, 3)) as previous_costed_quantity,
        max(was_there) as was_there
    from paired
    group by 1, 2, 3, 4, 5, 6, 7, 8

),

unpriced as (

    -- distinct: several lines of a drug may lack a price; it is there all the same, and neither new nor discontinued
    select distinct
        facility_id,
        {{ month_of('period_start_date') }} as month_start_date,
        drug_id,
        case when drug_id is null then drug_class_code end as drug_class_code,
        pricing_unit_code,
        currency_code
    from {{ ref('drug_costs') }}
    where actual_cost is null

),

known_months as (

    -- distinct: a month is known if anything is known of it; one of which nothing came is not compared
    select distinct
        facility_id,
        {{ month_of('period_start_date') }} as month_start_date
    from {{ ref('drug_costs') }}

),

changes as (

    select
        compared.*,
        case
            when unpriced.facility_id is not null then 'UNDIVIDED'
            when compared.is_there = 0 then 'DISCONTINUED'
            when compared.was_there = 0 then 'NEW'
            when compared.costed_quantity > 0 and compared.previous_costed_quantity > 0 then 'CONTINUED'
            else 'UNDIVIDED'
        end as driver_code,
        coalesce(compared.acquisition_cost, 0) - coalesce(compared.previous_acquisition_cost, 0) as cost_change
    from compared
    inner join known_months as this_month
        on
            compared.facility_id = this_month.facility_id
            and compared.month_start_date = this_month.month_start_date
    inner join known_months as month_before
        on
            compared.facility_id = month_before.facility_id
            and compared.month_start_date = {{ next_month('month_before.month_start_date') }}
    left join unpriced
        on
            compared.is_there + compared.was_there = 1
            and compared.facility_id = unpriced.facility_id
            and coalesce(compared.drug_id, '') = coalesce(unpriced.drug_id, '')
            and coalesce(compared.drug_class_code, '') = coalesce(unpriced.drug_class_code, '')
            and coalesce(compared.pricing_unit_code, '') = coalesce(unpriced.pricing_unit_code, '')
            and compared.currency_code = unpriced.currency_code
            and unpriced.month_start_date
            = case when compared.is_there = 1 then month_before.month_start_date else this_month.month_start_date end

),

divided as (

    select
        *,
        case
            when driver_code = 'CONTINUED'
                then {{
                    ratio(
                        'previous_acquisition_cost * (costed_quantity - previous_costed_quantity)',
                        'previous_costed_quantity', 6
                    )
                }}
            else 0
        end as volume_effect
    from changes

)

select
    divided.facility_id,
    divided.month_start_date,
    divided.drug_id,
    drugs.drug_name,
    divided.drug_class_code,
    divided.drug_class_system_code,
    divided.pricing_unit_code,
    coalesce(divided.price_basis_code, 'UNKNOWN') as price_basis_code,
    divided.currency_code,
    divided.driver_code,
    divided.previous_costed_quantity,
    divided.costed_quantity,
    divided.previous_acquisition_cost,
    divided.acquisition_cost,
    {{ ratio('divided.previous_acquisition_cost', 'divided.previous_costed_quantity') }}
        as previous_unit_cost,
    {{ ratio('divided.acquisition_cost', 'divided.costed_quantity') }} as unit_cost,
    cast(divided.cost_change as decimal(18, 6)) as cost_change,
    -- what volume does not explain is price, so that nothing is lost by rounding
    cast(
        case when divided.driver_code = 'CONTINUED' then divided.cost_change - divided.volume_effect else 0 end
        as decimal(18, 6)
    ) as price_effect,
    cast(divided.volume_effect as decimal(18, 6)) as volume_effect,
    cast(case when divided.driver_code = 'NEW' then divided.cost_change else 0 end as decimal(18, 6))
        as new_effect,
    cast(case when divided.driver_code = 'DISCONTINUED' then divided.cost_change else 0 end as decimal(18, 6))
        as discontinued_effect,
    cast(case when divided.driver_code = 'UNDIVIDED' then divided.cost_change else 0 end as decimal(18, 6))
        as undivided_effect
from divided
left join {{ ref('drugs') }} as drugs on divided.drug_id = drugs.drug_id
