with source as (

    select * from {{ source('reference_pharmacy', 'price_list') }}

)

select
    cast(
        {{ source_key('reference_pharmacy', "_file || ':' || cast(_line as varchar)") }} as varchar
    ) as drug_price_id,
    -- the pharmacy uses the drug codes of the clinical system
    cast({{ source_key('reference', 'trim("Drug Code")') }} as varchar) as drug_id,
    {{ lineage('reference_pharmacy') }},
    cast(_file as varchar) as price_list_name,
    cast('CONTRACT' as varchar) as price_basis_code,
    cast(trim("Pricing Unit") as varchar) as pricing_unit_code,
    cast(trim("Currency") as varchar) as currency_code,
    {{ to_decimal('"Unit Price"') }} as unit_cost,
    {{ to_date('"Effective From"') }} as price_start_date
from source
