-- Synthea does not say where patients go, nor how they were admitted. A class that is not known here is no stay.
select
    {{ source_key('synthea', '"Id"') }} as encounter_id,
    {{ source_key('synthea', '"PATIENT"') }} as patient_id,
    {{ lineage('synthea', facility_id="'synthea_' || \"ORGANIZATION\"") }},
    "Id" as encounter_number,
    case "ENCOUNTERCLASS"
        when 'inpatient' then 'INPATIENT'
        when 'emergency' then 'EMERGENCY'
        else 'OUTPATIENT'
    end as encounter_class_code,
    {{ to_instant('"START"') }} as admitted_at,
    {{ to_instant('"STOP"') }} as discharged_at
from {{ source('synthea', 'encounters') }}
