with source as (

    select
        _batch_id,
        _row_id,
        _file,
        cast(_line as {{ type_text() }}) as line_no,
        trim({{ adapter.quote('Drug Code') }}) as drug_code,
        trim({{ adapter.quote('Pricing Unit') }}) as pricing_unit,
        trim({{ adapter.quote('Currency') }}) as currency,
        {{ adapter.quote('Unit Price') }} as unit_price_text,
        {{ adapter.quote('Effective From') }} as effective_from_text
    from {{ source('reference_pharmacy', 'price_list') }}

)

select
    cast({{ source_key('reference_pharmacy', "_file || ':' || line_no") }} as {{ type_text() }}) as drug_price_id,
    -- the pharmacy uses the drug codes of the clinical system
    cast({{ source_key('reference', 'drug_code') }} as {{ type_text() }}) as drug_id,
    {{ lineage('reference_pharmacy') }},
    cast(_file as {{ type_text() }}) as price_list_name,
    cast('CONTRACT' as {{ type_text() }}) as price_basis_code,
    cast(pricing_unit as {{ type_text() }}) as pricing_unit_code,
    cast(currency as {{ type_text() }}) as currency_code,
    {{ to_decimal('unit_price_text') }} as unit_cost,
    {{ to_date('effective_from_text') }} as price_start_date
from source
