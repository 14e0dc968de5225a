-- One line for each prescription: it is dispensed DISPENSES times at BASE_COST, all of it dated on its first day.
-- The hospital is that of the visit.
select
    {{ source_key('synthea', "medications._batch_id || ':' || cast(medications._row_id as " ~ type_text() ~ ")") }}
        as drug_event_id,
    {{ source_key('synthea', 'medications."ENCOUNTER"') }} as encounter_id,
    {{ source_key('synthea', 'medications."CODE"') }} as drug_id,
    {{ lineage(
        'synthea', 'medications',
        facility_id="coalesce('synthea_' || encounters.\"ORGANIZATION\", " ~ facility('synthea', 'facility_id') ~ ")"
    ) }},
    'DISPENSED' as drug_event_kind_code,
    'DONE' as event_status_code,
    {{ to_decimal('medications."DISPENSES"', scale=3) }} as quantity,
    {{ to_decimal('medications."BASE_COST"') }} as unit_cost,
    'LIST' as price_basis_code,
    {{ facility('synthea', 'currency') }} as currency_code,
    {{ local_date(to_instant('medications."START"'), facility('synthea', 'timezone')) }} as event_date,
    {{ to_instant('medications."START"') }} as occurred_at
from {{ source('synthea', 'medications') }} as medications
left join {{ source('synthea', 'encounters') }} as encounters on medications."ENCOUNTER" = encounters."Id"
