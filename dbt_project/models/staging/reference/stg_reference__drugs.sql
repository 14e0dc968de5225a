with source as (

    select * from {{ source('reference', 'drug') }}

)

select
    cast({{ source_key('reference', 'drug_cd') }} as varchar) as drug_id,
    {{ lineage('reference') }},
    cast(drug_cd as varchar) as drug_code,
    cast(drug_nm as varchar) as drug_name,
    cast(generic_nm as varchar) as generic_name,
    cast(atc_cd as varchar) as atc_code,
    cast(form_cd as varchar) as form_code,
    cast(strength_txt as varchar) as strength_text,
    cast(pricing_unit as varchar) as pricing_unit_code,
    cast(usage_txt as varchar) as usage_text
from source
