with prescriptions as (

    select * from {{ source('reference', 'prescription') }}

),

administrations as (

    select * from {{ source('reference', 'administration') }}

)

select
    cast({{ source_key('reference', 'rx_id', 'prescription') }} as {{ type_text() }}) as drug_event_id,
    cast(null as {{ type_text() }}) as prescription_event_id,
    cast(null as {{ type_text() }}) as corrects_drug_event_id,
    cast({{ source_key('reference', 'case_no') }} as {{ type_text() }}) as encounter_id,
    cast({{ source_key('reference', 'drug_cd') }} as {{ type_text() }}) as drug_id,
    cast({{ source_key('reference', 'prescriber_no') }} as {{ type_text() }}) as practitioner_id,
    {{ lineage('reference') }},
    cast('PRESCRIBED' as {{ type_text() }}) as drug_event_kind_code,
    cast('ORDERED' as {{ type_text() }}) as event_status_code,
    cast(dose_txt as {{ type_text() }}) as dose_text,
    cast(dose_unit as {{ type_text() }}) as dose_unit_code,
    cast(freq_cd as {{ type_text() }}) as frequency_code,
    cast(route_cd as {{ type_text() }}) as route_code,
    cast(null as decimal(18, 3)) as quantity,
    cast(null as {{ type_text() }}) as quantity_unit_code,
    cast(null as decimal(18, 3)) as waste_quantity,
    cast(null as decimal(18, 4)) as unit_cost,
    cast(null as {{ type_text() }}) as price_basis_code,
    cast(null as {{ type_text() }}) as currency_code,
    cast(null as boolean) as is_formulary,
    cast(ordered_ts as date) as event_date,
    {{ to_utc('ordered_ts', 'reference') }} as occurred_at
from prescriptions

union all

select
    cast(
        {{ source_key('reference', 'administrations.evt_id', 'administration') }} as {{ type_text() }}
    ) as drug_event_id,
    cast(
        {{ source_key('reference', 'administrations.rx_id', 'prescription') }} as {{ type_text() }}
    ) as prescription_event_id,
    cast(null as {{ type_text() }}) as corrects_drug_event_id,
    cast({{ source_key('reference', 'prescriptions.case_no') }} as {{ type_text() }}) as encounter_id,
    cast({{ source_key('reference', 'prescriptions.drug_cd') }} as {{ type_text() }}) as drug_id,
    cast({{ source_key('reference', 'administrations.nurse_no') }} as {{ type_text() }}) as practitioner_id,
    {{ lineage('reference', 'administrations') }},
    cast('ADMINISTERED' as {{ type_text() }}) as drug_event_kind_code,
    cast(administrations.status_cd as {{ type_text() }}) as event_status_code,
    cast(prescriptions.dose_txt as {{ type_text() }}) as dose_text,
    cast(prescriptions.dose_unit as {{ type_text() }}) as dose_unit_code,
    cast(null as {{ type_text() }}) as frequency_code,
    cast(prescriptions.route_cd as {{ type_text() }}) as route_code,
    cast(administrations.qty as decimal(18, 3)) as quantity,
    cast(null as {{ type_text() }}) as quantity_unit_code,
    cast(administrations.waste_qty as decimal(18, 3)) as waste_quantity,
    cast(null as decimal(18, 4)) as unit_cost,
    cast(null as {{ type_text() }}) as price_basis_code,
    cast(null as {{ type_text() }}) as currency_code,
    cast(null as boolean) as is_formulary,
    cast(administrations.given_ts as date) as event_date,
    {{ to_utc('administrations.given_ts', 'reference') }} as occurred_at
from administrations
left join prescriptions on administrations.rx_id = prescriptions.rx_id
