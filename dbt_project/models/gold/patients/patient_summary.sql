with people as (

    -- whoever is registered, and whoever was treated without being registered
    select patient_id
    from {{ ref('patients') }}
    union distinct
    select patient_id
    from {{ ref('encounters') }}

),

deaths as (

    select
        patient_id,
        count(died_at) > 0 or sum(case when discharge_disposition_code = 'DIED' then 1 else 0 end) > 0 as has_died
    from {{ ref('encounters') }}
    group by patient_id

),

described as (

    select
        {{ pseudonym('people.patient_id') }} as patient_key,
        patients.facility_id,
        patients.sex_code,
        patients.death_date is not null or coalesce(deaths.has_died, false) as is_deceased
    from people
    left join {{ ref('patients') }} as patients on people.patient_id = patients.patient_id
    left join deaths on people.patient_id = deaths.patient_id

),

numbered as (

    select
        *,
        row_number() over (partition by patient_key order by admission_date desc, encounter_key desc) as recency_number
    from {{ ref('encounter_facts') }}
    where not is_pseudo_admission

),

counted as (

    select
        patient_key,
        max(case when recency_number = 1 then facility_id end) as facility_id,
        max(case when recency_number = 1 then age_band_code end) as age_band_code,
        -- hidden in one row, it is hidden in all
        case when count(birth_year) = count(*) then max(birth_year) end as birth_year,
        count(*) as encounters,
        sum(case when is_inpatient_stay then 1 else 0 end) as inpatient_stays,
        sum(case when is_inpatient_stay then inpatient_days end) as total_inpatient_days,
        sum(case when is_readmitted_30d_all_cause then 1 else 0 end) as readmissions_30d_all_cause,
        sum(case when is_readmitted_30d_unplanned then 1 else 0 end) as readmissions_30d_unplanned,
        min(admission_date) as first_admission_date,
        max(admission_date) as last_admission_date,
        max(discharge_date) as last_discharge_date,
        sum(case when is_inpatient_stay and is_open then 1 else 0 end) > 0 as is_in_hospital
    from numbered
    group by patient_key

)

select
    described.patient_key,
    coalesce(described.facility_id, counted.facility_id) as facility_id,
    described.sex_code,
    counted.birth_year,
    counted.age_band_code,
    coalesce(counted.encounters, 0) as encounters,
    cast(coalesce(counted.inpatient_stays, 0) as bigint) as inpatient_stays,
    cast(counted.total_inpatient_days as bigint) as total_inpatient_days,
    cast(coalesce(counted.readmissions_30d_all_cause, 0) as bigint) as readmissions_30d_all_cause,
    cast(coalesce(counted.readmissions_30d_unplanned, 0) as bigint) as readmissions_30d_unplanned,
    counted.first_admission_date,
    counted.last_admission_date,
    counted.last_discharge_date,
    coalesce(counted.is_in_hospital, false) as is_in_hospital,
    described.is_deceased
from described
left join counted on described.patient_key = counted.patient_key
