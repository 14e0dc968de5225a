select
    {{ lineage('icu_offsets', facility_id="'icu_' || hospitalid") }},
    {{ facility('icu_offsets', 'timezone') }} as timezone,
    {{ facility('icu_offsets', 'currency') }} as currency_code
from (
    select
        *,
        row_number() over (partition by hospitalid order by _row_id) as hospital_row
    from {{ source('icu_offsets', 'patient') }}
) as numbered
where hospital_row = 1
