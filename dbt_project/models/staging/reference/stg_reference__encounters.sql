with source as (

    select * from {{ source('reference', 'admission') }}

)

select
    cast({{ source_key('reference', 'case_no') }} as {{ type_text() }}) as encounter_id,
    cast({{ source_key('reference', 'mrn') }} as {{ type_text() }}) as patient_id,
    cast({{ source_key('reference', 'attending_no') }} as {{ type_text() }}) as attending_practitioner_id,
    {{ lineage('reference') }},
    cast(case_no as {{ type_text() }}) as encounter_number,
    cast('INPATIENT' as {{ type_text() }}) as encounter_class_code,
    cast(adm_type_cd as {{ type_text() }}) as admission_type_code,
    cast(dis_disp_cd as {{ type_text() }}) as discharge_disposition_code,
    cast(age_at_adm as integer) as age_at_admission_years,
    {{ to_utc('adm_ts', 'reference') }} as admitted_at,
    {{ to_utc('dis_ts', 'reference') }} as discharged_at,
    {{ to_utc('death_ts', 'reference') }} as died_at
from source
