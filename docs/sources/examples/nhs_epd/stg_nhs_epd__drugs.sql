with numbered as (

    select
        *,
        row_number() over (
            partition by "BNF_CODE" order by "YEAR_MONTH" desc, _batch_id desc, _row_id desc
        ) as newest_first,
        -- codes of medicines have 15 characters; those of appliances tell neither generic nor equivalent
        case when length("BNF_CODE") = 15 then "BNF_CODE" end as medicine_code
    from {{ source('nhs_epd', 'epd') }}

)

select
    cast({{ source_key('nhs_epd', '"BNF_CODE"') }} as {{ type_text() }}) as drug_id,
    {{ lineage('nhs_epd') }},
    cast("BNF_CODE" as {{ type_text() }}) as drug_code,
    cast("BNF_DESCRIPTION" as {{ type_text() }}) as drug_name,
    cast(nullif("CHEMICAL_SUBSTANCE_BNF_DESCR", '') as {{ type_text() }}) as generic_name,
    cast(null as {{ type_text() }}) as atc_code,
    cast(null as {{ type_text() }}) as form_code,
    cast(null as {{ type_text() }}) as strength_text,
    cast(null as decimal(18, 4)) as strength_quantity,
    cast(null as {{ type_text() }}) as strength_unit_code,
    cast(null as {{ type_text() }}) as route_code,
    -- tablets, millilitres, grams: the file does not say which
    cast(null as {{ type_text() }}) as pricing_unit_code,
    -- substance, and the last two characters: the generic of the same strength and form
    cast(substr(medicine_code, 1, 9) || substr(medicine_code, 14, 2) as {{ type_text() }}) as equivalence_code,
    substr(medicine_code, 10, 2) = 'AA' as is_generic,
    cast(null as {{ type_text() }}) as usage_text
from numbered
where newest_first = 1
