-- Dates may be partial in FHIR ('1985', '1985-03'): these are NULL.
select
    {{ source_key('fhir_bulk', 'id') }} as patient_id,
    {{ lineage('fhir_bulk') }},
    coalesce({{ json_pick('identifiers', 'type.coding[0].code', 'MR', 'value') }}, id) as medical_record_number,
    family as family_name,
    {{ json_text('resource', '$.name[0].given[0]') }} as given_name,
    case gender when 'female' then 'F' when 'male' then 'M' when 'other' then 'O' when 'unknown' then 'U' end
        as sex_code,
    {{ to_date('birth_date') }} as birth_date,
    {{ to_date('deceased_at') }} as death_date
from {{ source('fhir_bulk', 'patient') }}
