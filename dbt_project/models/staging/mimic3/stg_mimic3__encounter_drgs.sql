with source as (

    select * from {{ source('mimic3', 'drgcodes') }}

)

select
    cast({{ source_key('mimic3', 'row_id') }} as {{ type_text() }}) as encounter_drg_id,
    cast({{ source_key('mimic3', 'hadm_id') }} as {{ type_text() }}) as encounter_id,
    {{ lineage('mimic3') }},
    cast(drg_type as {{ type_text() }}) as drg_family_code,
    cast(drg_code as {{ type_text() }}) as drg_code,
    cast(description as {{ type_text() }}) as drg_name,
    cast(null as decimal(18, 4)) as relative_weight
from source
