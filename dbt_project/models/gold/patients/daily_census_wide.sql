-- Sums of wards are told elsewhere, so one hidden ward could be calculated back: the next smallest is hidden with it.
with judged as (

    select
        *,
        {{ is_small_cell('midnight_census') }} or {{ is_small_cell('days_present') }} as is_small
    from {{ ref('gold_daily_census') }}

),

numbered as (

    select
        *,
        sum(case when is_small then 1 else 0 end) over (partition by facility_id, census_date) as small_wards,
        row_number() over (
            partition by facility_id, census_date, is_small
            order by case when midnight_census > 0 then 0 else 1 end, midnight_census, ward_id
        ) as size_number
    from judged

),

marked as (

    select
        *,
        is_small or (small_wards = 1 and size_number = 1) as is_suppressed
    from numbered

)

select
    facility_id,
    ward_id,
    ward_name,
    ward_type_code,
    census_date,
    is_suppressed,
    case when not is_suppressed then midnight_census end as midnight_census,
    case when not is_suppressed then days_present end as days_present,
    available_beds,
    case when not is_suppressed then bed_occupancy_rate end as bed_occupancy_rate
from marked
