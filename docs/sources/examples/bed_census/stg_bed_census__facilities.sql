-- All hospitals of the region have the time zone and the currency of the sender.
select
    'region_' || hospital as facility_id,
    'bed_census' as source_id,
    max(_batch_id) as batch_id,
    cast(null as bigint) as row_id,
    hospital as facility_name,
    {{ facility('bed_census', 'timezone') }} as timezone,
    {{ facility('bed_census', 'currency') }} as currency_code
from {{ source('bed_census', 'beds') }}
group by hospital
