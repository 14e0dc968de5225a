with source as (

    select * from {{ source('mimic3', 'drgcodes') }}

)

select
    cast({{ source_key('mimic3', 'row_id') }} as varchar) as encounter_drg_id,
    cast({{ source_key('mimic3', 'hadm_id') }} as varchar) as encounter_id,
    {{ lineage('mimic3') }},
    cast(drg_type as varchar) as drg_family_code,
    cast(drg_code as varchar) as drg_code,
    cast(description as varchar) as drg_name,
    cast(null as decimal(18, 4)) as relative_weight
from source
