-- Their order is not told, so none is the principal diagnosis.
select
    {{ source_key('synthea', "conditions._batch_id || ':' || cast(conditions._row_id as " ~ type_text() ~ ")") }}
        as diagnosis_id,
    {{ source_key('synthea', 'conditions."ENCOUNTER"') }} as encounter_id,
    {{ lineage(
        'synthea', 'conditions',
        facility_id="coalesce('synthea_' || encounters.\"ORGANIZATION\", " ~ facility('synthea', 'facility_id') ~ ")"
    ) }},
    'SNOMED-CT' as code_system_code,
    conditions."CODE" as diagnosis_code,
    conditions."DESCRIPTION" as diagnosis_name
from {{ source('synthea', 'conditions') }} as conditions
left join {{ source('synthea', 'encounters') }} as encounters on conditions."ENCOUNTER" = encounters."Id"
