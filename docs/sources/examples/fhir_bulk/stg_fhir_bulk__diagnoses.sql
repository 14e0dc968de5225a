{#- the first system that a condition is coded in counts -#}
{% set systems = {
    'http://hl7.org/fhir/sid/icd-10-cm': 'ICD-10',
    'http://hl7.org/fhir/sid/icd-10': 'ICD-10',
    'http://hl7.org/fhir/sid/icd-9-cm': 'ICD-9-CM',
    'http://snomed.info/sct': 'SNOMED-CT',
} %}

-- Conditions of a problem list that belong to no encounter are left out. FHIR ranks diagnoses in Encounter.diagnosis,
-- which this server does not fill: none is the principal one.
select
    {{ source_key('fhir_bulk', 'id') }} as diagnosis_id,
    {{ source_key('fhir_bulk', fhir_id('encounter_reference')) }} as encounter_id,
    {{ lineage('fhir_bulk') }},
    case
        {%- for address, system in systems.items() %}
        when {{ json_pick('codings', 'system', address, 'code') }} is not null then '{{ system }}'
        {%- endfor %}
    end as code_system_code,
    coalesce(
        {%- for address in systems %}
        {{ json_pick('codings', 'system', address, 'code') }}{{ ',' if not loop.last }}
        {%- endfor %}
    ) as diagnosis_code,
    text as diagnosis_name
from {{ source('fhir_bulk', 'condition') }}
where encounter_reference is not null and coalesce(verification, '') not in ('refuted', 'entered-in-error')
