with source as (

    select * from {{ source('reference', 'bed') }}

)

select
    cast({{ source_key('reference', 'bed_no') }} as varchar) as bed_id,
    cast({{ source_key('reference', 'ward_cd') }} as varchar) as ward_id,
    {{ lineage('reference') }},
    cast(bed_no as varchar) as bed_code,
    cast(bed_type as varchar) as bed_type_code
from source
