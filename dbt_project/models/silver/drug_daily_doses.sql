with doses as (

    select
        *,
        {{ milligrams('ddd_quantity', 'ddd_unit_code') }} as ddd_amount,
        case when upper(ddd_unit_code) in ('G', 'MG', 'UG', 'MCG') then 'MG' else upper(ddd_unit_code) end
            as ddd_amount_unit
    from {{ ref('drug_ddds') }}
    where ddd_quantity > 0

),

drugs as (

    select
        *,
        {{ milligrams('strength_quantity', 'strength_unit_code') }} as amount,
        case when upper(strength_unit_code) in ('G', 'MG', 'UG', 'MCG') then 'MG' else upper(strength_unit_code) end
            as amount_unit
    from {{ ref('drugs') }}

),

candidates as (

    -- what is said of the product goes before what is said of its ATC code
    select
        drugs.drug_id,
        doses.ddd_quantity,
        doses.ddd_unit_code,
        doses.ddd_amount,
        doses.ddd_amount_unit,
        1 as preference
    from drugs
    inner join doses on drugs.drug_id = doses.drug_id

    union all

    select
        drugs.drug_id,
        doses.ddd_quantity,
        doses.ddd_unit_code,
        doses.ddd_amount,
        doses.ddd_amount_unit,
        case when drugs.route_code = doses.route_code then 2 else 3 end as preference
    from drugs
    inner join doses
        on
            doses.drug_id is null
            and drugs.atc_code = doses.atc_code
            and coalesce(drugs.route_code, doses.route_code, '') = coalesce(doses.route_code, drugs.route_code, '')

),

ranked as (

    select
        *,
        row_number() over (partition by drug_id order by preference, ddd_amount, ddd_amount_unit) as choice_number,
        count(*) over (partition by drug_id, preference) as rivals
    from candidates

)

select
    drugs.drug_id,
    drugs.facility_id,
    case when ranked.rivals = 1 then ranked.ddd_quantity end as ddd_quantity,
    case when ranked.rivals = 1 then ranked.ddd_unit_code end as ddd_unit_code,
    case
        when ranked.rivals = 1 and drugs.amount_unit = ranked.ddd_amount_unit
            then {{ ratio('drugs.amount', 'ranked.ddd_amount', 6) }}
    end as ddds_per_pricing_unit,
    case
        when ranked.drug_id is null then 'NO_DDD'
        when ranked.rivals > 1 then 'SEVERAL_DDDS'
        when drugs.amount is null or drugs.amount_unit is null then 'NO_STRENGTH'
        when drugs.amount_unit <> ranked.ddd_amount_unit then 'OTHER_UNIT'
    end as ddd_missing_reason_code
from drugs
left join ranked
    on
        drugs.drug_id = ranked.drug_id
        and ranked.choice_number = 1
