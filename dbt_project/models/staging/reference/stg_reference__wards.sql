with source as (

    select * from {{ source('reference', 'ward') }}

)

select
    cast({{ source_key('reference', 'ward_cd') }} as {{ type_text() }}) as ward_id,
    {{ lineage('reference') }},
    cast(ward_cd as {{ type_text() }}) as ward_code,
    cast(ward_nm as {{ type_text() }}) as ward_name,
    cast(ward_type as {{ type_text() }}) as ward_type_code,
    cast(floor_no as integer) as floor_number
from source
