select
    {{ source_key('icu_offsets', 'patientunitstayid') }} as ward_stay_id,
    {{ source_key('icu_offsets', 'patienthealthsystemstayid') }} as encounter_id,
    {{ source_key('icu_offsets', 'wardid') }} as ward_id,
    {{ source_key('icu_offsets', 'patientunitstayid') }} as icu_stay_id,
    {{ lineage('icu_offsets', facility_id="'icu_' || hospitalid") }},
    case when unit_number = 1 then 'ADMIT' else 'TRANSFER' end as movement_code,
    unit_admitted_at as started_at,
    unit_discharged_at as ended_at
from {{ ref('base_icu_offsets__stays') }}
