with events as (

    {{ unite('drug_events') }}

),

corrected as (

    -- distinct: a line may be corrected more than once
    select distinct corrects_drug_event_id as drug_event_id
    from events
    where corrects_drug_event_id is not null

)

-- a late correction replaces the line that it names
select
    events.drug_event_id,
    events.prescription_event_id,
    events.corrects_drug_event_id,
    events.encounter_id,
    events.drug_id,
    events.practitioner_id,
    events.facility_id,
    events.source_id,
    events.batch_id,
    events.row_id,
    events.drug_event_kind_code,
    events.event_status_code,
    events.dose_text,
    events.dose_unit_code,
    events.frequency_code,
    events.route_code,
    events.quantity,
    events.quantity_unit_code,
    events.waste_quantity,
    events.unit_cost,
    events.price_basis_code,
    events.currency_code,
    events.is_formulary,
    events.event_date,
    events.occurred_at
from events
left join corrected on events.drug_event_id = corrected.drug_event_id
where corrected.drug_event_id is null
