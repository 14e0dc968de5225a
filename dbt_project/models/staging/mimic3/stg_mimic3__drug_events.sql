with source as (

    select * from {{ source('mimic3', 'prescriptions') }}

)

select
    cast({{ source_key('mimic3', 'row_id') }} as varchar) as drug_event_id,
    cast(null as varchar) as prescription_event_id,
    cast(null as varchar) as corrects_drug_event_id,
    cast({{ source_key('mimic3', 'hadm_id') }} as varchar) as encounter_id,
    cast({{ source_key('mimic3', 'formulary_drug_cd') }} as varchar) as drug_id,
    cast(null as varchar) as practitioner_id,
    {{ lineage('mimic3') }},
    cast('PRESCRIBED' as varchar) as drug_event_kind_code,
    cast('ORDERED' as varchar) as event_status_code,
    cast(dose_val_rx as varchar) as dose_text,
    cast(dose_unit_rx as varchar) as dose_unit_code,
    cast(null as varchar) as frequency_code,
    cast(route as varchar) as route_code,
    cast(null as decimal(18, 3)) as quantity,
    cast(null as varchar) as quantity_unit_code,
    cast(null as decimal(18, 3)) as waste_quantity,
    cast(null as decimal(18, 4)) as unit_cost,
    cast(null as varchar) as price_basis_code,
    cast(null as varchar) as currency_code,
    formulary_drug_cd is not null as is_formulary,
    cast(startdate as date) as event_date,
    -- orders carry a date without a time
    cast(null as timestamp with time zone) as occurred_at
from source
