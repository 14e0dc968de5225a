-- A count that is suppressed takes with it every rate from which it could be calculated back.
with judged as (

    select
        *,
        {{ is_small_cell('admissions') }} as is_small_admissions,
        {{ is_small_cell('discharges') }} as is_small_discharges,
        {{ is_small_part('deaths_in_hospital', 'discharges_with_disposition') }} as is_small_deaths,
        {{ is_small_part('readmissions_30d_all_cause', 'index_admissions') }} as is_small_all_cause,
        {{ is_small_part('readmissions_30d_unplanned', 'index_admissions_of_known_outcome') }} as is_small_unplanned,
        -- of two kinds of readmission that are told, the difference tells of the third
        {{ is_small_cell('readmissions_30d_all_cause - readmissions_30d_unplanned') }} as is_small_planned
    from {{ ref('monthly_patient_metrics') }}

)

select
    facility_id,
    month_start_date,
    is_provisional,
    is_small_admissions or is_small_discharges or is_small_deaths or is_small_all_cause or is_small_unplanned
    or is_small_planned as is_suppressed,
    case when not is_small_admissions then admissions end as admissions,
    case when not is_small_discharges then discharges end as discharges,
    case when not is_small_deaths then deaths_in_hospital end as deaths_in_hospital,
    case when not is_small_deaths then discharges_with_disposition end as discharges_with_disposition,
    case when not is_small_deaths then in_hospital_mortality_rate end as in_hospital_mortality_rate,
    case when not is_small_discharges then total_length_of_stay_days end as total_length_of_stay_days,
    case when not is_small_discharges then discharges_with_length_of_stay end as discharges_with_length_of_stay,
    case when not is_small_discharges then average_length_of_stay end as average_length_of_stay,
    case when not is_small_all_cause then readmissions_30d_all_cause end as readmissions_30d_all_cause,
    case when not is_small_all_cause then index_admissions end as index_admissions,
    case when not is_small_all_cause then readmission_30d_all_cause_rate end as readmission_30d_all_cause_rate,
    case when not is_small_unplanned and not is_small_planned then readmissions_30d_unplanned end
        as readmissions_30d_unplanned,
    case when not is_small_unplanned and not is_small_planned then index_admissions_of_known_outcome end
        as index_admissions_of_known_outcome,
    case when not is_small_unplanned and not is_small_planned then readmission_30d_unplanned_rate end
        as readmission_30d_unplanned_rate,
    occupied_known_bed_days,
    available_bed_days,
    bed_occupancy_rate
from judged
