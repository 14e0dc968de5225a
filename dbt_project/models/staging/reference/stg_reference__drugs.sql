with source as (

    select
        *,
        {{ text_part('strength_txt', ' ', 1) }} as strength_number,
        upper({{ text_part('strength_txt', ' ', 2) }}) as strength_unit,
        strength_txt like '% % %' as is_combination
    from {{ source('reference', 'drug') }}

),

measured as (

    -- '500 mg' of a tablet, '10 mg/ml' of a solution; of '160 ug/4.5 ug' or '5 %' nothing is taken
    select
        *,
        case
            when is_combination then null
            when pricing_unit = 'EA' and strength_unit in ('MG', 'G', 'UG', 'IU') then strength_unit
            when strength_unit in ('MG/' || pricing_unit, 'IU/' || pricing_unit)
                then {{ text_part('strength_unit', '/', 1) }}
        end as strength_unit_code
    from source

)

select
    cast({{ source_key('reference', 'drug_cd') }} as {{ type_text() }}) as drug_id,
    {{ lineage('reference') }},
    cast(drug_cd as {{ type_text() }}) as drug_code,
    cast(drug_nm as {{ type_text() }}) as drug_name,
    cast(generic_nm as {{ type_text() }}) as generic_name,
    cast(atc_cd as {{ type_text() }}) as atc_code,
    cast(form_cd as {{ type_text() }}) as form_code,
    cast(strength_txt as {{ type_text() }}) as strength_text,
    case when strength_unit_code is not null then {{ to_decimal('strength_number') }} end as strength_quantity,
    cast(strength_unit_code as {{ type_text() }}) as strength_unit_code,
    cast(null as {{ type_text() }}) as route_code,
    cast(pricing_unit as {{ type_text() }}) as pricing_unit_code,
    cast(null as {{ type_text() }}) as equivalence_code,
    cast(null as boolean) as is_generic,
    cast(usage_txt as {{ type_text() }}) as usage_text
from measured
