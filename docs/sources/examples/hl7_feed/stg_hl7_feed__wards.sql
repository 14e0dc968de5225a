select
    {{ source_key('hl7_feed', 'ward') }} as ward_id,
    {{ lineage('hl7_feed') }},
    ward as ward_code
from {{ newest_of_each(ref('base_hl7_feed__steps'), 'ward') }} as newest
where ward is not null
