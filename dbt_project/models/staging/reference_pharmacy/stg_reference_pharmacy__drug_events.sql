with source as (

    select
        _batch_id,
        _row_id,
        trim({{ adapter.quote('Line No') }}) as line_no,
        trim({{ adapter.quote('Case No') }}) as case_no,
        trim({{ adapter.quote('Drug Code') }}) as drug_code,
        trim({{ adapter.quote('Kind') }}) as kind,
        trim({{ adapter.quote('Corrects') }}) as corrects,
        {{ adapter.quote('Quantity') }} as quantity_text,
        {{ adapter.quote('Unit Price') }} as unit_price_text,
        {{ adapter.quote('Date') }} as date_text
    from {{ source('reference_pharmacy', 'dispensing') }}

)

select
    cast({{ source_key('reference_pharmacy', 'line_no') }} as {{ type_text() }}) as drug_event_id,
    cast(null as {{ type_text() }}) as prescription_event_id,
    cast({{ source_key('reference_pharmacy', "nullif(corrects, '')") }} as {{ type_text() }}) as corrects_drug_event_id,
    -- the pharmacy uses the case numbers and the drug codes of the clinical system
    cast({{ source_key('reference', "nullif(case_no, '')") }} as {{ type_text() }}) as encounter_id,
    cast({{ source_key('reference', 'drug_code') }} as {{ type_text() }}) as drug_id,
    cast(null as {{ type_text() }}) as practitioner_id,
    {{ lineage('reference_pharmacy') }},
    case kind when 'DISPENSE' then 'DISPENSED' when 'RETURN' then 'RETURNED' end as drug_event_kind_code,
    cast('DONE' as {{ type_text() }}) as event_status_code,
    cast(null as {{ type_text() }}) as dose_text,
    cast(null as {{ type_text() }}) as dose_unit_code,
    cast(null as {{ type_text() }}) as frequency_code,
    cast(null as {{ type_text() }}) as route_code,
    {{ to_decimal('quantity_text', scale=3) }} as quantity,
    cast(null as {{ type_text() }}) as quantity_unit_code,
    cast(null as decimal(18, 3)) as waste_quantity,
    {{ to_decimal('unit_price_text') }} as unit_cost,
    cast('CONTRACT' as {{ type_text() }}) as price_basis_code,
    cast({{ facility('reference_pharmacy', 'currency') }} as {{ type_text() }}) as currency_code,
    cast(null as boolean) as is_formulary,
    {{ to_date('date_text') }} as event_date,
    -- the file gives the day only
    cast(null as {{ type_instant() }}) as occurred_at
from source
