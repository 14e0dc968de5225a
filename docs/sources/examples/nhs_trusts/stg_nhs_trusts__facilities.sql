-- Trusts only: the workforce of commissioners is in the same sheet, and they have no patients.
with named as (

    select
        "Organisation code" as org_code,
        "Organisation name" as facility_name,
        _batch_id
    from {{ source('nhs_trusts', 'workforce') }}
    where upper("Organisation name") like '%TRUST%'
    union all
    select
        org_code,
        cast(null as {{ type_text() }}) as facility_name,
        _batch_id
    from {{ source('nhs_trusts', 'doctors_and_nurses') }}
    union all
    select
        org_code,
        cast(null as {{ type_text() }}) as facility_name,
        _batch_id
    from {{ source('nhs_trusts', 'discharges_and_beds') }}

)

select
    'nhs_' || org_code as facility_id,
    'nhs_trusts' as source_id,
    max(_batch_id) as batch_id,
    cast(null as bigint) as row_id,
    max(facility_name) as facility_name,
    {{ facility('nhs_trusts', 'timezone') }} as timezone,
    {{ facility('nhs_trusts', 'currency') }} as currency_code
from named
group by org_code
