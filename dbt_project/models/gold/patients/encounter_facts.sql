with encounters as (

    select
        encounters.*,
        {{ local_date('encounters.admitted_at', 'facilities.timezone') }} as admission_date,
        {{ local_date('encounters.discharged_at', 'facilities.timezone') }} as discharge_date
    from {{ ref('encounters') }} as encounters
    left join {{ ref('facilities') }} as facilities on encounters.facility_id = facilities.facility_id

),

counted as (

    select
        *,
        {{ days_between('admission_date', 'discharge_date') }} as length_of_stay_days_raw
    from encounters

),

ward_stays as (

    select
        encounter_id,
        count(*) as ward_stay_count
    from {{ ref('ward_stays') }}
    group by encounter_id

),

principal_diagnoses as (

    select
        encounter_id,
        arg_min(diagnosis_code, (sequence_number, diagnosis_id)) as principal_diagnosis_code
    from {{ ref('diagnoses') }}
    group by encounter_id

)

select
    {{ pseudonym('counted.encounter_id') }} as encounter_key,
    {{ pseudonym('counted.patient_id') }} as patient_key,
    counted.facility_id,
    {{ pseudonym('counted.attending_practitioner_id') }} as attending_practitioner_key,
    counted.admission_type_code,
    counted.discharge_disposition_code,
    principal_diagnoses.principal_diagnosis_code,
    case
        when counted.age_at_admission_years < 0 then null
        when counted.age_at_admission_years < 18 then '0-17'
        when counted.age_at_admission_years < 40 then '18-39'
        when counted.age_at_admission_years < 65 then '40-64'
        when counted.age_at_admission_years < 80 then '65-79'
        when counted.age_at_admission_years >= 80 then '80+'
    end as age_group_code,
    counted.admission_date,
    counted.discharge_date,
    cast(counted.length_of_stay_days_raw as integer) as length_of_stay_days_raw,
    cast(
        case when counted.length_of_stay_days_raw >= 0 then counted.length_of_stay_days_raw end as integer
    ) as length_of_stay_days,
    cast(
        case when counted.length_of_stay_days_raw >= 0 then greatest(1, counted.length_of_stay_days_raw) end as integer
    ) as inpatient_days,
    cast(coalesce(ward_stays.ward_stay_count, 0) as integer) as ward_stay_count,
    coalesce(counted.length_of_stay_days_raw < 0, false) as is_length_of_stay_inconsistent,
    counted.discharged_at is null as is_open,
    case when counted.discharged_at is not null then counted.discharge_disposition_code = 'DIED' end
        as is_death_in_hospital
from counted
left join ward_stays on counted.encounter_id = ward_stays.encounter_id
left join principal_diagnoses on counted.encounter_id = principal_diagnoses.encounter_id
