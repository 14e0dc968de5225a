select
    {{ source_key('icu_offsets', 'wardid') }} as ward_id,
    {{ lineage('icu_offsets', facility_id="'icu_' || hospitalid") }},
    wardid as ward_code,
    unittype as ward_name,
    'ICU' as ward_type_code
from {{ newest_of_each(source('icu_offsets', 'patient'), 'wardid') }} as newest
