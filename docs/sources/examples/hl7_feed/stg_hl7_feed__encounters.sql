with steps as (

    select
        *,
        row_number() over (partition by visit_number order by step_number desc) as newest_first,
        max(case when trigger_event in ('A01', 'A04', 'A06', 'A07') and not is_undone then step_number end)
            over (partition by visit_number) as admission_step,
        max(case when trigger_event = 'A11' then step_number end) over (partition by visit_number) as cancellation_step,
        min(case when not is_undone then step_at end) over (partition by visit_number) as first_step_at,
        max(case when trigger_event = 'A03' and not is_undone then step_number end)
            over (partition by visit_number) as discharge_step
    from {{ ref('base_hl7_feed__steps') }}

),

discharges as (

    select
        visit_number,
        discharge_disposition,
        step_at
    from steps
    where step_number = discharge_step

)

select
    {{ source_key('hl7_feed', 'steps.visit_number') }} as encounter_id,
    {{ source_key('hl7_feed', 'steps.mrn') }} as patient_id,
    {{ lineage('hl7_feed', 'steps') }},
    steps.visit_number as encounter_number,
    case
        when steps.patient_class in ('I', 'B') then 'INPATIENT'
        when steps.patient_class = 'E' then 'EMERGENCY'
        else 'OUTPATIENT'
    end as encounter_class_code,
    case
        when steps.admission_type in ('A', 'E') then 'EMERGENCY'
        when steps.admission_type = 'U' then 'URGENT'
        when steps.admission_type in ('C', 'R') then 'ELECTIVE'
        when steps.admission_type = 'N' then 'NEWBORN'
    end as admission_type_code,
    case
        when discharges.discharge_disposition in ('1', '01', '06') then 'HOME'
        when discharges.discharge_disposition in ('2', '02') then 'TRANSFER'
        when discharges.discharge_disposition in ('3', '03', '04', '63') then 'NURSING'
        when discharges.discharge_disposition = '62' then 'REHAB'
        when discharges.discharge_disposition in ('50', '51') then 'HOSPICE'
        when discharges.discharge_disposition in ('7', '07') then 'AMA'
        when discharges.discharge_disposition = '20' then 'DIED'
        when discharges.discharge_disposition is not null then 'OTHER'
    end as discharge_disposition_code,
    coalesce({{ hl7_instant('steps.admitted_at', 'hl7_feed') }}, steps.first_step_at) as admitted_at,
    discharges.step_at as discharged_at
from steps
left join discharges on steps.visit_number = discharges.visit_number
where
    steps.newest_first = 1
    -- an admission that was cancelled was none, unless there was another one since
    and (steps.cancellation_step is null or steps.admission_step > steps.cancellation_step)
