with source as (

    select
        *,
        {{ to_date("replace(\"YEAR_MONTH\", '_', '-') || '-01'") }} as month_start_date
    from {{ source('nhs_epd', 'epd') }}

)

select
    cast({{ source_key('nhs_epd', "_batch_id || ':' || cast(_row_id as " ~ type_text() ~ ")") }} as {{ type_text() }}) as drug_cost_id,
    cast({{ source_key('nhs_epd', '"BNF_CODE"') }} as {{ type_text() }}) as drug_id,
    cast({{ source_key('nhs_epd', '"PRACTICE_CODE"') }} as {{ type_text() }}) as facility_id,
    cast('nhs_epd' as {{ type_text() }}) as source_id,
    cast(_batch_id as {{ type_text() }}) as batch_id,
    cast(_row_id as bigint) as row_id,
    -- chapter, section and paragraph
    cast(substr("BNF_CODE", 1, 6) as {{ type_text() }}) as drug_class_code,
    cast('BNF' as {{ type_text() }}) as drug_class_system_code,
    cast(null as {{ type_text() }}) as pricing_unit_code,
    cast('REIMBURSED' as {{ type_text() }}) as price_basis_code,
    cast({{ facility('nhs_epd', 'currency') }} as {{ type_text() }}) as currency_code,
    month_start_date as period_start_date,
    {{ add_days(next_month('month_start_date'), -1) }} as period_end_date,
    cast({{ to_decimal('"ITEMS"', scale=0) }} as bigint) as items,
    {{ to_decimal('"TOTAL_QUANTITY"', scale=3) }} as quantity,
    cast(null as decimal(18, 3)) as returned_quantity,
    {{ to_decimal('"NIC"', scale=6) }} as net_ingredient_cost,
    {{ to_decimal('"ACTUAL_COST"', scale=6) }} as actual_cost
from source
