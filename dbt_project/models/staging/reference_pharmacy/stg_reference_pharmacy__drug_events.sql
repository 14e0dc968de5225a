with source as (

    select * from {{ source('reference_pharmacy', 'dispensing') }}

)

select
    cast({{ source_key('reference_pharmacy', 'trim("Line No")') }} as varchar) as drug_event_id,
    cast(null as varchar) as prescription_event_id,
    cast(
        {{ source_key('reference_pharmacy', "nullif(trim(\"Corrects\"), '')") }} as varchar
    ) as corrects_drug_event_id,
    -- the pharmacy uses the case numbers and the drug codes of the clinical system
    cast({{ source_key('reference', "nullif(trim(\"Case No\"), '')") }} as varchar) as encounter_id,
    cast({{ source_key('reference', 'trim("Drug Code")') }} as varchar) as drug_id,
    cast(null as varchar) as practitioner_id,
    {{ lineage('reference_pharmacy') }},
    case trim("Kind") when 'DISPENSE' then 'DISPENSED' when 'RETURN' then 'RETURNED' end as drug_event_kind_code,
    cast('DONE' as varchar) as event_status_code,
    cast(null as varchar) as dose_text,
    cast(null as varchar) as dose_unit_code,
    cast(null as varchar) as frequency_code,
    cast(null as varchar) as route_code,
    {{ to_decimal('"Quantity"', scale=3) }} as quantity,
    cast(null as varchar) as quantity_unit_code,
    cast(null as decimal(18, 3)) as waste_quantity,
    {{ to_decimal('"Unit Price"') }} as unit_cost,
    cast('CONTRACT' as varchar) as price_basis_code,
    cast({{ facility('reference_pharmacy', 'currency') }} as varchar) as currency_code,
    cast(null as boolean) as is_formulary,
    {{ to_date('"Date"') }} as event_date,
    -- the file gives the day only
    cast(null as timestamp with time zone) as occurred_at
from source
