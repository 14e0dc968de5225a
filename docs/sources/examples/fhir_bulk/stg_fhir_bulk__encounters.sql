with source as (

    select
        *,
        {{ json_text('discharge_disposition', '$.coding[0].code') }} as disposition
    from {{ source('fhir_bulk', 'encounter') }}

)

select
    {{ source_key('fhir_bulk', 'id') }} as encounter_id,
    {{ source_key('fhir_bulk', fhir_id('subject_reference')) }} as patient_id,
    {{ lineage(
        'fhir_bulk',
        facility_id="coalesce('fhir_' || " ~ fhir_id('organization') ~ ", " ~ facility('fhir_bulk', 'facility_id') ~ ")"
    ) }},
    id as encounter_number,
    case
        when class_code in ('IMP', 'ACUTE', 'NONAC') then 'INPATIENT'
        when class_code = 'EMER' then 'EMERGENCY'
        -- ambulatory, home, virtual and what else is no stay
        else 'OUTPATIENT'
    end as encounter_class_code,
    -- FHIR's own codes, and those of American claims
    case
        when disposition in ('home', 'alt-home', '1', '01', '06') then 'HOME'
        when disposition in ('other-hcf', '2', '02') then 'TRANSFER'
        when disposition in ('long', 'snf', '3', '03', '04', '63') then 'NURSING'
        when disposition in ('rehab', '62') then 'REHAB'
        when disposition in ('hosp', '50', '51') then 'HOSPICE'
        when disposition in ('aadvice', '7', '07') then 'AMA'
        when disposition in ('exp', '20') then 'DIED'
        when disposition is not null then 'OTHER'
    end as discharge_disposition_code,
    {{ to_instant('period_start') }} as admitted_at,
    {{ to_instant('period_end') }} as discharged_at
from source
where status not in ('planned', 'cancelled', 'entered-in-error')
