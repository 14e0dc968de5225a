with source as (

    select * from {{ source('reference', 'bed_status') }}

)

select
    cast({{ source_key('reference', 'status_id') }} as {{ type_text() }}) as bed_status_id,
    cast({{ source_key('reference', 'bed_no') }} as {{ type_text() }}) as bed_id,
    {{ lineage('reference') }},
    cast(status_cd as {{ type_text() }}) as bed_status_code,
    cast(reason_txt as {{ type_text() }}) as reason_text,
    {{ to_utc('valid_from', 'reference') }} as started_at,
    {{ to_utc('valid_to', 'reference') }} as ended_at
from source
