select
    daily_census.facility_id,
    daily_census.ward_id,
    wards.ward_name,
    wards.ward_type_code,
    daily_census.census_date,
    daily_census.midnight_census,
    daily_census.days_present,
    daily_census.staffed_beds,
    daily_census.available_beds,
    {{ ratio('100 * daily_census.midnight_census', 'daily_census.available_beds', 2) }} as bed_occupancy_rate
from {{ ref('daily_census') }} as daily_census
left join {{ ref('wards') }} as wards on daily_census.ward_id = wards.ward_id
