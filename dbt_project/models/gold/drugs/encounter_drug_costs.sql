with lines as (

    select
        drug_event_costs.*,
        encounters.patient_id,
        case when drug_event_costs.drug_event_kind_code = 'ADMINISTERED' then 0 else 1 end as is_dispensed,
        drug_event_costs.quantity * drug_event_costs.unit_cost as line_cost
    from {{ ref('drug_event_costs') }} as drug_event_costs
    left join {{ ref('encounters') }} as encounters on drug_event_costs.encounter_id = encounters.encounter_id
    where
        drug_event_costs.encounter_id is not null
        and (drug_event_costs.drug_event_kind_code <> 'ADMINISTERED' or drug_event_costs.event_status_code = 'GIVEN')

),

summed as (

    select
        facility_id,
        encounter_id,
        patient_id,
        currency_code,
        cast(sum(case when is_dispensed = 1 then line_cost end) as decimal(18, 6)) as dispensed_cost,
        cast(sum(case when is_dispensed = 0 then line_cost end) as decimal(18, 6)) as administered_cost,
        sum(is_dispensed) as dispensed_lines,
        sum(case when is_dispensed = 1 and line_cost is null then 1 else 0 end) as dispensed_lines_without_cost,
        sum(1 - is_dispensed) as administered_lines,
        sum(case when is_dispensed = 0 and line_cost is null then 1 else 0 end) as administered_lines_without_cost,
        count(distinct price_basis_code) as price_bases,
        min(price_basis_code) as price_basis_code
    from lines
    group by facility_id, encounter_id, patient_id, currency_code

)

select
    {{ pseudonym('encounter_id') }} as encounter_key,
    {{ pseudonym('patient_id') }} as patient_key,
    facility_id,
    currency_code,
    case when price_bases > 1 then 'MIXED' else coalesce(price_basis_code, 'UNKNOWN') end as price_basis_code,
    dispensed_cost,
    administered_cost,
    cast(dispensed_lines as bigint) as dispensed_lines,
    cast(dispensed_lines_without_cost as bigint) as dispensed_lines_without_cost,
    cast(administered_lines as bigint) as administered_lines,
    cast(administered_lines_without_cost as bigint) as administered_lines_without_cost
from summed
