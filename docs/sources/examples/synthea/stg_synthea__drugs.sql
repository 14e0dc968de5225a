select
    {{ source_key('synthea', '"CODE"') }} as drug_id,
    {{ lineage('synthea') }},
    "CODE" as drug_code,
    "DESCRIPTION" as drug_name,
    -- prices and quantities are those of a dispense, whatever it holds
    'DISPENSE' as pricing_unit_code
from {{ newest_of_each(source('synthea', 'medications'), '"CODE"', by='"START"') }} as newest
