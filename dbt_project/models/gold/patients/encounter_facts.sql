-- The rules are told in docs/encounters.md.
with patient_deaths as (

    select
        encounters.patient_id,
        min({{ local_date('encounters.died_at', 'facilities.timezone') }}) as death_date
    from {{ ref('encounters') }} as encounters
    inner join {{ ref('facilities') }} as facilities on encounters.facility_id = facilities.facility_id
    where encounters.died_at is not null
    group by encounters.patient_id

),

encounters as (

    select
        encounters.*,
        patients.birth_date,
        coalesce(patients.death_date, patient_deaths.death_date) as death_date,
        {{ local_date('encounters.admitted_at', 'facilities.timezone') }} as admission_date,
        {{ local_date('encounters.discharged_at', 'facilities.timezone') }} as discharge_date,
        coalesce(encounters.encounter_class_code, 'INPATIENT') = 'INPATIENT'
        and not encounters.is_pseudo_admission as is_inpatient_stay
    from {{ ref('encounters') }} as encounters
    left join {{ ref('facilities') }} as facilities on encounters.facility_id = facilities.facility_id
    left join {{ ref('patients') }} as patients on encounters.patient_id = patients.patient_id
    left join patient_deaths on encounters.patient_id = patient_deaths.patient_id

),

observed as (

    -- how far the data of a facility reach, and whether it hears of deaths after the discharge
    select
        encounters.facility_id,
        {{ greater_of('max(encounters.admission_date)', 'max(encounters.discharge_date)') }} as last_date,
        max(case when encounters.death_date > encounters.discharge_date then 1 else 0 end) = 1 as knows_later_deaths
    from encounters
    group by encounters.facility_id

),

ward_stays as (

    select
        encounter_id,
        count(*) as ward_stay_count,
        sum(case when is_outside_encounter then 1 else 0 end) as ward_stays_outside_count
    from {{ ref('ward_stays') }}
    group by encounter_id

),

numbered_diagnoses as (

    select
        encounter_id,
        code_system_code,
        diagnosis_code,
        row_number() over (
            partition by encounter_id
            order by sequence_number, diagnosis_id
        ) as diagnosis_number
    from {{ ref('diagnoses') }}
    -- without a rank, nobody has said which diagnosis is the principal one
    where diagnosis_code is not null and sequence_number is not null

),

numbered_drgs as (

    -- one family for all stays, where the source has it; one with weights goes before one without
    select
        encounter_id,
        drg_family_code,
        drg_code,
        relative_weight,
        row_number() over (
            partition by encounter_id
            order by
                case when relative_weight is null then 1 else 0 end,
                case drg_family_code when 'MS' then 1 when 'APR' then 2 when 'HCFA' then 3 else 4 end,
                drg_family_code,
                encounter_drg_id
        ) as drg_number
    from {{ ref('encounter_drgs') }}

),

numbered_visits as (

    select
        encounter_id,
        {{ seconds_between('arrived_at', 'departed_at') }} as seconds_in_emergency,
        row_number() over (partition by encounter_id order by arrived_at, emergency_visit_id) as visit_number
    from {{ ref('emergency_visits') }}
    where encounter_id is not null

),

described as (

    select
        encounters.*,
        observed.last_date,
        observed.knows_later_deaths,
        numbered_diagnoses.diagnosis_code as principal_diagnosis_code,
        numbered_drgs.drg_family_code,
        numbered_drgs.drg_code,
        numbered_drgs.relative_weight as drg_relative_weight,
        {{ readmission_exclusion_of('numbered_diagnoses.code_system_code', 'numbered_diagnoses.diagnosis_code') }}
            as diagnosis_exclusion_code,
        case when numbered_visits.seconds_in_emergency >= 0 then numbered_visits.seconds_in_emergency end
            as seconds_in_emergency,
        case when encounters.discharged_at is null then 1 else 0 end as is_open_number,
        {{ days_between('encounters.admission_date', 'encounters.discharge_date') }} as length_of_stay_days_raw,
        {{ days_between('encounters.discharge_date', 'observed.last_date') }} as follow_up_days,
        coalesce(
            encounters.age_at_admission_years,
            {{ age_in_years('encounters.birth_date', 'encounters.admission_date') }}
        ) as age_years
    from encounters
    left join observed on encounters.facility_id = observed.facility_id
    left join numbered_diagnoses
        on encounters.encounter_id = numbered_diagnoses.encounter_id and numbered_diagnoses.diagnosis_number = 1
    left join numbered_drgs
        on encounters.encounter_id = numbered_drgs.encounter_id and numbered_drgs.drg_number = 1
    left join numbered_visits
        on encounters.encounter_id = numbered_visits.encounter_id and numbered_visits.visit_number = 1

),

compared as (

    -- each stay beside the other stays of its patient
    select
        encounter_id,
        patient_id,
        admitted_at,
        discharged_at,
        admission_date,
        admission_type_code,
        diagnosis_exclusion_code,
        max(discharged_at) over (
            partition by patient_id
            order by admitted_at asc, is_open_number desc, discharged_at desc, encounter_id asc
            rows between unbounded preceding and 1 preceding
        ) as earlier_discharged_at,
        coalesce(
            max(is_open_number) over (
                partition by patient_id
                order by admitted_at asc, is_open_number desc, discharged_at desc, encounter_id asc
                rows between unbounded preceding and 1 preceding
            ), 0
        ) = 1 as has_earlier_open,
        lead(admitted_at) over (
            partition by patient_id
            order by admitted_at asc, is_open_number desc, discharged_at desc, encounter_id asc
        ) as next_admitted_at
    from described
    where is_inpatient_stay

),

beside_others as (

    select
        *,
        has_earlier_open
        or coalesce(earlier_discharged_at > admitted_at, false)
        or coalesce(next_admitted_at < discharged_at, false)
        or (discharged_at is null and next_admitted_at is not null) as is_overlapping,
        has_earlier_open or coalesce(earlier_discharged_at >= discharged_at, false) as is_contained
    from compared

),

followed as (

    -- the next acute admission; one that lies within another stay is no admission of its own
    select
        encounter_id,
        lead(admission_date) over (partition by patient_id order by admitted_at, encounter_id) as next_admission_date,
        lead(admission_type_code) over (partition by patient_id order by admitted_at, encounter_id)
            as next_admission_type_code
    from beside_others
    where not is_contained and coalesce(diagnosis_exclusion_code, '') <> 'REHABILITATION'

),

judged as (

    select
        described.*,
        coalesce(beside_others.is_overlapping, false) as is_overlapping,
        followed.next_admission_type_code,
        {{ days_between('described.discharge_date', 'followed.next_admission_date') }} as days_to_next_admission,
        case
            when described.is_pseudo_admission then 'PSEUDO_ADMISSION'
            when not described.is_inpatient_stay then 'NOT_INPATIENT'
            when described.discharge_date is null then 'OPEN'
            when described.length_of_stay_days_raw < 0 then 'INCONSISTENT_DATES'
            when described.admission_type_code = 'NEWBORN' then 'NEWBORN'
            when described.discharge_disposition_code = 'DIED' or described.died_at <= described.discharged_at
                then 'DIED'
            when beside_others.is_contained then 'WITHIN_ANOTHER_STAY'
            when described.discharge_disposition_code is null then 'UNKNOWN_DISPOSITION'
            when described.discharge_disposition_code = 'AMA' then 'AMA'
            when
                described.discharge_disposition_code = 'TRANSFER'
                or {{ days_between('described.discharge_date', 'followed.next_admission_date') }} <= 1
                then 'TRANSFERRED'
            when described.diagnosis_exclusion_code is not null then described.diagnosis_exclusion_code
            when described.follow_up_days < 30 then 'RUN_OUT'
        end as readmission_exclusion_code
    from described
    left join beside_others on described.encounter_id = beside_others.encounter_id
    left join followed on described.encounter_id = followed.encounter_id

)

select
    {{ pseudonym('judged.encounter_id') }} as encounter_key,
    {{ pseudonym('judged.patient_id') }} as patient_key,
    judged.facility_id,
    {{ pseudonym('judged.attending_practitioner_id') }} as attending_practitioner_key,
    judged.encounter_class_code,
    judged.admission_type_code,
    judged.discharge_disposition_code,
    judged.principal_diagnosis_code,
    judged.drg_family_code,
    judged.drg_code,
    judged.drg_relative_weight,
    case
        when judged.age_at_admission_years < 0 then null
        when judged.age_at_admission_years < 18 then '0-17'
        when judged.age_at_admission_years < 40 then '18-39'
        when judged.age_at_admission_years < 65 then '40-64'
        when judged.age_at_admission_years < 80 then '65-79'
        when judged.age_at_admission_years >= 80 then '80+'
    end as age_group_code,
    {{ age_band('judged.age_years') }} as age_band_code,
    {{ birth_year('judged.birth_date', 'judged.last_date') }} as birth_year,
    judged.admission_date,
    judged.discharge_date,
    cast(judged.length_of_stay_days_raw as integer) as length_of_stay_days_raw,
    cast(
        case when judged.length_of_stay_days_raw >= 0 then judged.length_of_stay_days_raw end as integer
    ) as length_of_stay_days,
    cast(
        case when judged.length_of_stay_days_raw >= 0 then greatest(1, judged.length_of_stay_days_raw) end as integer
    ) as inpatient_days,
    cast(floor(judged.seconds_in_emergency / 60.0) as integer) as ed_los_minutes,
    cast(coalesce(ward_stays.ward_stay_count, 0) as integer) as ward_stay_count,
    cast(coalesce(ward_stays.ward_stays_outside_count, 0) as integer) as ward_stays_outside_count,
    cast(judged.follow_up_days as integer) as follow_up_days,
    judged.readmission_exclusion_code,
    cast(
        case when judged.readmission_exclusion_code is null then judged.days_to_next_admission end as integer
    ) as days_to_readmission,
    judged.is_inpatient_stay,
    judged.is_pseudo_admission,
    judged.admission_type_code = 'NEWBORN' as is_newborn,
    judged.discharged_at is null as is_open,
    judged.is_overlapping,
    coalesce(judged.length_of_stay_days_raw < 0, false) as is_length_of_stay_inconsistent,
    coalesce(
        judged.died_at < judged.admitted_at
        or judged.died_at > judged.discharged_at
        or (judged.died_at is not null and judged.discharge_disposition_code <> 'DIED'),
        false
    ) as is_death_inconsistent,
    case when judged.discharged_at is not null then judged.discharge_disposition_code = 'DIED' end
        as is_death_in_hospital,
    case
        when judged.discharge_date is null then null
        when judged.discharge_disposition_code = 'DIED' then true
        when {{ days_between('judged.discharge_date', 'judged.death_date') }} <= 30 then true
        when judged.knows_later_deaths and judged.follow_up_days >= 30 then false
    end as is_death_within_30_days,
    judged.seconds_in_emergency > 14400 as is_four_hour_breach,
    judged.readmission_exclusion_code is null as is_index_admission,
    case
        when judged.readmission_exclusion_code is null then coalesce(judged.days_to_next_admission <= 30, false)
    end as is_readmitted_30d_all_cause,
    case
        when judged.readmission_exclusion_code is not null then null
        when coalesce(judged.days_to_next_admission > 30, true) then false
        else judged.next_admission_type_code <> 'ELECTIVE'
    end as is_readmitted_30d_unplanned
from judged
left join ward_stays on judged.encounter_id = ward_stays.encounter_id
