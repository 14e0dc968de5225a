with source as (

    select * from {{ source('mimic3', 'labevents') }}

),

items as (

    select * from {{ source('mimic3', 'd_labitems') }}

)

select
    cast({{ source_key('mimic3', 'source.row_id') }} as {{ type_text() }}) as observation_id,
    cast({{ source_key('mimic3', 'source.hadm_id') }} as {{ type_text() }}) as encounter_id,
    cast({{ source_key('mimic3', 'source.subject_id') }} as {{ type_text() }}) as patient_id,
    {{ lineage('mimic3', 'source') }},
    cast(source.itemid as {{ type_text() }}) as observation_code,
    cast(items.label as {{ type_text() }}) as observation_name,
    cast(source.value as {{ type_text() }}) as value_text,
    cast(source.valueuom as {{ type_text() }}) as unit_code,
    cast(source.valuenum as decimal(18, 4)) as value_number,
    {{ to_utc('source.charttime', 'mimic3') }} as observed_at
from source
left join items on source.itemid = items.itemid
