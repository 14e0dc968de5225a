with numbered as (

    select
        *,
        row_number() over (partition by "CODE" order by "START" desc, _row_id) as newest_first
    from {{ source('synthea', 'medications') }}

)

select
    {{ source_key('synthea', '"CODE"') }} as drug_id,
    {{ lineage('synthea') }},
    "CODE" as drug_code,
    "DESCRIPTION" as drug_name,
    -- prices and quantities are those of a dispense, whatever it holds
    'DISPENSE' as pricing_unit_code
from numbered
where newest_first = 1
