-- One row for each stay in hospital: its first unit tells of it.
select
    {{ source_key('icu_offsets', 'patienthealthsystemstayid') }} as encounter_id,
    {{ source_key('icu_offsets', 'uniquepid') }} as patient_id,
    {{ lineage('icu_offsets', facility_id="'icu_' || hospitalid") }},
    patienthealthsystemstayid as encounter_number,
    'INPATIENT' as encounter_class_code,
    case
        when hospitaldischargestatus = 'Expired' then 'DIED'
        when hospitaldischargelocation = 'Home' then 'HOME'
        when hospitaldischargelocation = 'Other Hospital' then 'TRANSFER'
        when hospitaldischargelocation in ('Skilled Nursing Facility', 'Nursing Home') then 'NURSING'
        when hospitaldischargelocation = 'Rehabilitation' then 'REHAB'
        when hospitaldischargelocation <> '' then 'OTHER'
    end as discharge_disposition_code,
    case when age = '> 89' then 90 else cast({{ to_decimal('age', scale=0) }} as integer) end as age_at_admission_years,
    admitted_at,
    discharged_at
from {{ ref('base_icu_offsets__stays') }}
where unit_number = 1
