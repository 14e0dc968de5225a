with source as (

    select * from {{ source('mimic3', 'prescriptions') }}

)

select
    cast({{ source_key('mimic3', 'row_id') }} as {{ type_text() }}) as drug_event_id,
    cast(null as {{ type_text() }}) as prescription_event_id,
    cast(null as {{ type_text() }}) as corrects_drug_event_id,
    cast({{ source_key('mimic3', 'hadm_id') }} as {{ type_text() }}) as encounter_id,
    cast({{ source_key('mimic3', 'formulary_drug_cd') }} as {{ type_text() }}) as drug_id,
    cast(null as {{ type_text() }}) as practitioner_id,
    {{ lineage('mimic3') }},
    cast('PRESCRIBED' as {{ type_text() }}) as drug_event_kind_code,
    cast('ORDERED' as {{ type_text() }}) as event_status_code,
    cast(dose_val_rx as {{ type_text() }}) as dose_text,
    cast(dose_unit_rx as {{ type_text() }}) as dose_unit_code,
    cast(null as {{ type_text() }}) as frequency_code,
    cast(route as {{ type_text() }}) as route_code,
    cast(null as decimal(18, 3)) as quantity,
    cast(null as {{ type_text() }}) as quantity_unit_code,
    cast(null as decimal(18, 3)) as waste_quantity,
    cast(null as decimal(18, 4)) as unit_cost,
    cast(null as {{ type_text() }}) as price_basis_code,
    cast(null as {{ type_text() }}) as currency_code,
    formulary_drug_cd is not null as is_formulary,
    cast(startdate as date) as event_date,
    -- orders carry a date without a time
    cast(null as {{ type_instant() }}) as occurred_at
from source
