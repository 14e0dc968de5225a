select
    {{ source_key('icu_offsets', 'wardid') }} as ward_id,
    {{ lineage('icu_offsets', facility_id="'icu_' || hospitalid") }},
    wardid as ward_code,
    unittype as ward_name,
    'ICU' as ward_type_code
from (
    select
        *,
        row_number() over (partition by wardid order by _row_id) as ward_row
    from {{ source('icu_offsets', 'patient') }}
) as numbered
where ward_row = 1
