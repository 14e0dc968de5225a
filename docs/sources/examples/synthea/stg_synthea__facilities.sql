-- All hospitals and practices have the time zone and the currency of the sender.
select
    {{ lineage('synthea', facility_id="'synthea_' || \"Id\"") }},
    "NAME" as facility_name,
    {{ facility('synthea', 'timezone') }} as timezone,
    {{ facility('synthea', 'currency') }} as currency_code
from {{ source('synthea', 'organizations') }}

union all

-- the sender, to whom patients and the list of drugs belong
select
    {{ facility_of('synthea') }},
    null as batch_id,
    null as row_id,
    {{ facility('synthea', 'facility_name') }} as facility_name,
    {{ facility('synthea', 'timezone') }} as timezone,
    {{ facility('synthea', 'currency') }} as currency_code
