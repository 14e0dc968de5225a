with source as (

    select * from {{ source('reference', 'bed') }}

)

select
    cast({{ source_key('reference', 'bed_no') }} as {{ type_text() }}) as bed_id,
    cast({{ source_key('reference', 'ward_cd') }} as {{ type_text() }}) as ward_id,
    {{ lineage('reference') }},
    cast(bed_no as {{ type_text() }}) as bed_code,
    cast(bed_type as {{ type_text() }}) as bed_type_code
from source
