select
    cast(null as {{ type_text() }}) as ward_id,
    {{ lineage('pbj', facility_id="'ccn_' || \"PROVNUM\"") }},
    {{ to_date("substr(\"WorkDate\", 1, 4) || '-' || substr(\"WorkDate\", 5, 2) || '-' || substr(\"WorkDate\", 7, 2)") }}
        as census_date,
    cast({{ to_decimal('"MDScensus"', scale=0) }} as bigint) as midnight_census,
    cast(null as bigint) as staffed_beds,
    cast(null as bigint) as available_beds
from {{ source('pbj', 'daily_nurse_staffing') }}
