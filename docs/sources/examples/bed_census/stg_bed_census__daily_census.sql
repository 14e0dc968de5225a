-- A figure that was not sent stays NULL: an unknown census is not an empty hospital.
select
    cast(null as {{ type_text() }}) as ward_id,
    'region_' || hospital as facility_id,
    'bed_census' as source_id,
    max(_batch_id) as batch_id,
    cast(null as bigint) as row_id,
    {{ to_date('day') }} as census_date,
    cast(max(case when measure = 'Occupied' then {{ to_decimal('value', scale=0) }} end) as bigint) as midnight_census,
    cast(max(case when measure = 'Staffed' then {{ to_decimal('value', scale=0) }} end) as bigint) as staffed_beds,
    cast(max(case when measure = 'Available' then {{ to_decimal('value', scale=0) }} end) as bigint) as available_beds
from {{ source('bed_census', 'beds') }}
group by hospital, day
