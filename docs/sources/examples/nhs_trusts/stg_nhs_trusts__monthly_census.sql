-- The workbook gives averages of a day: times the days of the month they are bed days.
select
    cast(null as {{ type_text() }}) as ward_id,
    {{ lineage('nhs_trusts', facility_id="'nhs_' || org_code") }},
    {{ to_date('month') }} as month_start_date,
    cast({{ to_decimal('days_in_month', scale=0) }} as bigint) as census_days,
    cast(round({{ to_decimal('occupied_beds') }} * {{ to_decimal('days_in_month') }}, 0) as bigint) as occupied_bed_days,
    cast(null as bigint) as staffed_bed_days,
    cast(round({{ to_decimal('acute_beds') }} * {{ to_decimal('days_in_month') }}, 0) as bigint) as available_bed_days
from {{ source('nhs_trusts', 'discharges_and_beds') }}
