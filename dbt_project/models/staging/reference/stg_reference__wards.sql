with source as (

    select * from {{ source('reference', 'ward') }}

)

select
    cast({{ source_key('reference', 'ward_cd') }} as varchar) as ward_id,
    {{ lineage('reference') }},
    cast(ward_cd as varchar) as ward_code,
    cast(ward_nm as varchar) as ward_name,
    cast(ward_type as varchar) as ward_type_code,
    cast(floor_no as integer) as floor_number
from source
