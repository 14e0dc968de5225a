with source as (

    select
        *,
        row_number() over (partition by formulary_drug_cd order by _row_id) as order_number
    from {{ source('mimic3', 'prescriptions') }}
    where formulary_drug_cd is not null

)

-- MIMIC-III has no drug list: a drug is what somebody ordered, as the first order describes it
select
    cast({{ source_key('mimic3', 'formulary_drug_cd') }} as {{ type_text() }}) as drug_id,
    {{ lineage('mimic3') }},
    cast(formulary_drug_cd as {{ type_text() }}) as drug_code,
    cast(drug as {{ type_text() }}) as drug_name,
    cast(drug_name_generic as {{ type_text() }}) as generic_name,
    cast(null as {{ type_text() }}) as atc_code,
    cast(form_unit_disp as {{ type_text() }}) as form_code,
    cast(prod_strength as {{ type_text() }}) as strength_text,
    cast(null as decimal(18, 4)) as strength_quantity,
    cast(null as {{ type_text() }}) as strength_unit_code,
    cast(null as {{ type_text() }}) as route_code,
    cast(null as {{ type_text() }}) as pricing_unit_code,
    cast(null as {{ type_text() }}) as equivalence_code,
    cast(null as boolean) as is_generic,
    cast(null as {{ type_text() }}) as usage_text
from source
where order_number = 1
