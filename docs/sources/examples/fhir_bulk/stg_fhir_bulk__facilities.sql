-- All hospitals have the time zone and the currency of the sender.
select
    {{ lineage('fhir_bulk', facility_id="'fhir_' || id") }},
    name as facility_name,
    {{ facility('fhir_bulk', 'timezone') }} as timezone,
    {{ facility('fhir_bulk', 'currency') }} as currency_code
from {{ source('fhir_bulk', 'organization') }}

union all

-- the sender, to whom patients belong
select
    {{ facility_of('fhir_bulk') }},
    null as batch_id,
    null as row_id,
    {{ facility('fhir_bulk', 'facility_name') }} as facility_name,
    {{ facility('fhir_bulk', 'timezone') }} as timezone,
    {{ facility('fhir_bulk', 'currency') }} as currency_code
