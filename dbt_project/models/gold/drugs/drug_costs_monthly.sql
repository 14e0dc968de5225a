with costs as (

    select
        facility_id,
        {{ month_of('period_start_date') }} as month_start_date,
        drug_id,
        -- a class names the row of a source that does not tell single drugs
        case when drug_id is null then drug_class_code end as row_class_code,
        case when drug_id is null then drug_class_system_code end as row_class_system_code,
        pricing_unit_code,
        currency_code,
        case when count(distinct drug_class_system_code) = 1 then min(drug_class_code) end as drug_class_code,
        case when count(distinct drug_class_system_code) = 1 then min(drug_class_system_code) end
            as drug_class_system_code,
        case when count(distinct price_basis_code) > 1 then 'MIXED' else min(price_basis_code) end as price_basis_code,
        -- a sum with unknown parts is unknown: cost without quantity has no price by the unit
        case when count(items) = count(*) then sum(items) end as items,
        sum(quantity + coalesce(returned_quantity, 0)) as dispensed_quantity,
        sum(returned_quantity) as returned_quantity,
        sum(quantity) as net_quantity,
        case when count(costed_quantity) = count(actual_cost) then sum(costed_quantity) end as costed_quantity,
        sum(net_ingredient_cost) as net_ingredient_cost,
        sum(actual_cost) as acquisition_cost,
        sum(lines_without_cost) as lines_without_cost
    from {{ ref('drug_costs') }}
    group by 1, 2, 3, 4, 5, 6, 7

),

joined as (

    select
        costs.row_class_code,
        costs.row_class_system_code,
        costs.drug_class_code,
        costs.drug_class_system_code,
        costs.price_basis_code,
        costs.items,
        costs.dispensed_quantity,
        costs.returned_quantity,
        costs.net_quantity,
        costs.costed_quantity,
        costs.net_ingredient_cost,
        costs.acquisition_cost,
        costs.lines_without_cost,
        uses.administered_quantity,
        uses.wasted_quantity,
        uses.days_of_therapy,
        uses.encounters,
        uses.encounter_cost,
        uses.orders,
        uses.orders_with_formulary_flag,
        uses.formulary_orders,
        coalesce(costs.facility_id, uses.facility_id) as facility_id,
        coalesce(costs.month_start_date, uses.month_start_date) as month_start_date,
        coalesce(costs.drug_id, uses.drug_id) as drug_id,
        coalesce(costs.pricing_unit_code, uses.pricing_unit_code) as pricing_unit_code,
        coalesce(costs.currency_code, uses.currency_code) as currency_code
    from costs
    full outer join {{ ref('drug_uses_monthly') }} as uses
        on
            costs.facility_id = uses.facility_id
            and costs.month_start_date = uses.month_start_date
            and coalesce(costs.drug_id, '') = coalesce(uses.drug_id, '')
            and coalesce(costs.pricing_unit_code, '') = coalesce(uses.pricing_unit_code, '')
            and costs.currency_code = uses.currency_code
            and costs.row_class_code is null
),

generics as (

    select
        costs.facility_id,
        costs.month_start_date,
        costs.pricing_unit_code,
        costs.currency_code,
        drugs.equivalence_code,
        sum(costs.acquisition_cost) as equivalent_generic_cost,
        sum(costs.costed_quantity) as equivalent_generic_quantity,
        {{ ratio('sum(costs.acquisition_cost)', 'sum(costs.costed_quantity)') }} as generic_unit_cost
    from costs
    inner join {{ ref('drugs') }} as drugs on costs.drug_id = drugs.drug_id
    where drugs.is_generic and costs.costed_quantity > 0
    group by 1, 2, 3, 4, 5

),

stays as (

    select
        facility_id,
        patient_key,
        admission_date,
        discharge_date,
        max(coalesce(discharge_date, admission_date)) over (partition by facility_id) as last_date
    from {{ ref('encounter_facts') }}

),

days_of_stays as (

    {{ select_each_day(
        'stays', ['facility_id', 'patient_key'], 'admission_date', 'coalesce(discharge_date, last_date)', 'present_date'
    ) }}

),

days as (

    -- distinct: two stays of a patient on one day are one day
    select distinct
        facility_id,
        patient_key,
        present_date
    from days_of_stays

),

presence as (

    select
        facility_id,
        {{ month_of('present_date') }} as month_start_date,
        count(*) as days_present
    from days
    group by facility_id, {{ month_of('present_date') }}

),

described as (

    select
        joined.*,
        drugs.drug_name,
        drugs.generic_name,
        drugs.is_generic,
        coalesce(joined.drug_class_code, drugs.atc_code) as class_code,
        coalesce(joined.drug_class_system_code, case when drugs.atc_code is not null then 'ATC' end)
            as class_system_code,
        {{ ratio('joined.acquisition_cost', 'joined.costed_quantity') }} as unit_cost,
        generics.equivalent_generic_cost,
        generics.equivalent_generic_quantity,
        generics.generic_unit_cost,
        case when drugs.is_generic then joined.net_quantity when drugs.is_generic = false then 0 end
            as generic_quantity,
        case when drugs.is_generic is not null then joined.net_quantity end as generic_and_brand_quantity,
        case
            when coalesce(joined.pricing_unit_code, '') = coalesce(drugs.pricing_unit_code, '')
                then cast(joined.net_quantity * doses.ddds_per_pricing_unit as decimal(18, 4))
        end as ddd_quantity,
        case
            when joined.drug_id is null then 'NO_DRUG'
            when joined.net_quantity is null then 'NO_QUANTITY'
            when drugs.drug_id is null then 'NO_DDD'
            when coalesce(joined.pricing_unit_code, '') <> coalesce(drugs.pricing_unit_code, '') then 'OTHER_UNIT'
            else doses.ddd_missing_reason_code
        end as ddd_missing_reason_code
    from joined
    left join {{ ref('drugs') }} as drugs on joined.drug_id = drugs.drug_id
    left join {{ ref('drug_daily_doses') }} as doses on joined.drug_id = doses.drug_id
    left join generics
        on
            joined.facility_id = generics.facility_id
            and joined.month_start_date = generics.month_start_date
            and joined.currency_code = generics.currency_code
            and coalesce(joined.pricing_unit_code, '') = coalesce(generics.pricing_unit_code, '')
            and drugs.equivalence_code = generics.equivalence_code
            and drugs.is_generic = false

)

select
    described.facility_id,
    described.month_start_date,
    described.drug_id,
    described.drug_name,
    described.generic_name,
    described.class_code as drug_class_code,
    described.class_system_code as drug_class_system_code,
    described.pricing_unit_code,
    coalesce(described.price_basis_code, 'UNKNOWN') as price_basis_code,
    described.currency_code,
    described.is_generic,
    cast(described.items as bigint) as items,
    cast(described.dispensed_quantity as decimal(18, 3)) as dispensed_quantity,
    cast(described.returned_quantity as decimal(18, 3)) as returned_quantity,
    cast(described.net_quantity as decimal(18, 3)) as net_quantity,
    cast(described.costed_quantity as decimal(18, 3)) as costed_quantity,
    cast(described.net_ingredient_cost as decimal(18, 6)) as net_ingredient_cost,
    cast(described.acquisition_cost as decimal(18, 6)) as acquisition_cost,
    cast(coalesce(described.lines_without_cost, 0) as bigint) as lines_without_cost,
    described.unit_cost,
    {{ ratio('described.acquisition_cost', 'described.items') }} as cost_per_item,
    described.administered_quantity,
    described.wasted_quantity,
    cast(described.wasted_quantity * described.unit_cost as decimal(18, 4)) as waste_cost,
    {{ ratio('100 * described.wasted_quantity', 'described.administered_quantity + described.wasted_quantity', 2) }}
        as waste_pct,
    coalesce(described.encounters, 0) as encounters,
    described.encounter_cost,
    {{ ratio('described.encounter_cost', 'described.encounters') }} as cost_per_encounter,
    patients.occupied_bed_days,
    {{ ratio('described.acquisition_cost', 'patients.occupied_bed_days') }} as cost_per_patient_day,
    cast(described.generic_quantity as decimal(18, 3)) as generic_quantity,
    cast(described.generic_and_brand_quantity as decimal(18, 3)) as generic_and_brand_quantity,
    {{ ratio('100 * described.generic_quantity', 'described.generic_and_brand_quantity', 2) }}
        as generic_dispensing_rate,
    cast(described.equivalent_generic_cost as decimal(18, 6)) as equivalent_generic_cost,
    cast(described.equivalent_generic_quantity as decimal(18, 3)) as equivalent_generic_quantity,
    described.generic_unit_cost,
    cast(
        case
            when described.unit_cost > described.generic_unit_cost
                then (described.unit_cost - described.generic_unit_cost) * described.costed_quantity
            when described.unit_cost <= described.generic_unit_cost then 0
        end as decimal(18, 4)
    ) as generic_opportunity,
    coalesce(described.orders, 0) as orders,
    coalesce(described.orders_with_formulary_flag, 0) as orders_with_formulary_flag,
    coalesce(described.formulary_orders, 0) as formulary_orders,
    {{ ratio('100 * described.formulary_orders', 'described.orders_with_formulary_flag', 2) }}
        as formulary_compliance_pct,
    described.ddd_quantity,
    case when described.ddd_quantity is null then described.ddd_missing_reason_code end as ddd_missing_reason_code,
    {{ ratio('100 * described.ddd_quantity', 'patients.occupied_bed_days', 2) }} as ddd_per_100_bed_days,
    patients.admissions,
    {{ ratio('1000 * described.ddd_quantity', 'patients.admissions', 2) }} as ddd_per_1000_admissions,
    described.days_of_therapy,
    presence.days_present,
    {{ ratio('1000 * described.days_of_therapy', 'presence.days_present', 2) }} as dot_per_1000_days_present
from described
left join {{ ref('monthly_patient_metrics') }} as patients
    on
        described.facility_id = patients.facility_id
        and described.month_start_date = patients.month_start_date
left join presence
    on
        described.facility_id = presence.facility_id
        and described.month_start_date = presence.month_start_date
