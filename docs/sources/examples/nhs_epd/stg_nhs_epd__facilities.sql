with numbered as (

    select
        *,
        row_number() over (
            partition by "PRACTICE_CODE" order by "YEAR_MONTH" desc, _batch_id desc, _row_id desc
        ) as newest_first
    from {{ source('nhs_epd', 'epd') }}

)

select
    cast({{ source_key('nhs_epd', '"PRACTICE_CODE"') }} as {{ type_text() }}) as facility_id,
    cast('nhs_epd' as {{ type_text() }}) as source_id,
    cast(_batch_id as {{ type_text() }}) as batch_id,
    cast(_row_id as bigint) as row_id,
    cast("PRACTICE_NAME" as {{ type_text() }}) as facility_name,
    cast({{ facility('nhs_epd', 'timezone') }} as {{ type_text() }}) as timezone,
    cast({{ facility('nhs_epd', 'currency') }} as {{ type_text() }}) as currency_code
from numbered
where newest_first = 1

union all

-- the sender, to whom the list of drugs belongs
select
    {{ facility_of('nhs_epd') }},
    cast(null as {{ type_text() }}) as batch_id,
    cast(null as bigint) as row_id,
    cast({{ facility('nhs_epd', 'facility_name') }} as {{ type_text() }}) as facility_name,
    cast({{ facility('nhs_epd', 'timezone') }} as {{ type_text() }}) as timezone,
    cast({{ facility('nhs_epd', 'currency') }} as {{ type_text() }}) as currency_code
