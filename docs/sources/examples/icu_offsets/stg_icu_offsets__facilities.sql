select
    {{ lineage('icu_offsets', facility_id="'icu_' || hospitalid") }},
    {{ facility('icu_offsets', 'timezone') }} as timezone,
    {{ facility('icu_offsets', 'currency') }} as currency_code
from {{ newest_of_each(source('icu_offsets', 'patient'), 'hospitalid') }} as newest
