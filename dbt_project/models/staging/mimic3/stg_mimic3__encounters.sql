with source as (

    select * from {{ source('mimic3', 'admissions') }}

),

patients as (

    select * from {{ source('mimic3', 'patients') }}

)

select
    cast({{ source_key('mimic3', 'source.hadm_id') }} as {{ type_text() }}) as encounter_id,
    cast({{ source_key('mimic3', 'source.subject_id') }} as {{ type_text() }}) as patient_id,
    cast(null as {{ type_text() }}) as attending_practitioner_id,
    {{ lineage('mimic3', 'source') }},
    cast(source.hadm_id as {{ type_text() }}) as encounter_number,
    cast('INPATIENT' as {{ type_text() }}) as encounter_class_code,
    cast(source.admission_type as {{ type_text() }}) as admission_type_code,
    case
        when source.discharge_location = 'DEAD/EXPIRED' then 'DIED'
        when source.discharge_location like 'LEFT AGAINST MEDICAL ADV%' then 'AMA'
        when source.discharge_location like 'REHAB%' then 'REHAB'
        when source.discharge_location like 'HOSPICE%' then 'HOSPICE'
        when source.discharge_location like 'HOME%' then 'HOME'
        when
            source.discharge_location like 'SNF%'
            or source.discharge_location in ('ICF', 'LONG TERM CARE HOSPITAL', 'OTHER FACILITY')
            then 'NURSING'
        when source.discharge_location = 'DISCH-TRAN TO PSYCH HOSP' then 'OTHER'
        when
            source.discharge_location like 'DISC%-TRAN%' or source.discharge_location = 'SHORT TERM HOSPITAL'
            then 'TRANSFER'
        when source.discharge_location is not null then 'OTHER'
    end as discharge_disposition_code,
    -- patients above 89 were moved to an age of 300: 90 stands for them
    case
        when {{ age_in_years('patients.dob', 'source.admittime') }} > 90 then 90
        else {{ age_in_years('patients.dob', 'source.admittime') }}
    end as age_at_admission_years,
    {{ to_utc('source.admittime', 'mimic3') }} as admitted_at,
    {{ to_utc('source.dischtime', 'mimic3') }} as discharged_at,
    {{ to_utc('source.deathtime', 'mimic3') }} as died_at
from source
left join patients on source.subject_id = patients.subject_id
