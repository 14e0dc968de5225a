with numbered as (

    select
        *,
        row_number() over (
            partition by "PRACTICE_CODE" order by "YEAR_MONTH" desc, _batch_id desc, _row_id desc
        ) as newest_first
    from {{ source('nhs_epd', 'epd') }}

)

select
    cast({{ source_key('nhs_epd', '"PRACTICE_CODE"') }} as varchar) as facility_id,
    cast('nhs_epd' as varchar) as source_id,
    cast(_batch_id as varchar) as batch_id,
    cast(_row_id as bigint) as row_id,
    cast("PRACTICE_NAME" as varchar) as facility_name,
    cast({{ facility('nhs_epd', 'timezone') }} as varchar) as timezone,
    cast({{ facility('nhs_epd', 'currency') }} as varchar) as currency_code
from numbered
where newest_first = 1

union all

-- the sender, to whom the list of drugs belongs
select
    {{ facility_of('nhs_epd') }},
    cast(null as varchar) as batch_id,
    cast(null as bigint) as row_id,
    cast({{ facility('nhs_epd', 'facility_name') }} as varchar) as facility_name,
    cast({{ facility('nhs_epd', 'timezone') }} as varchar) as timezone,
    cast({{ facility('nhs_epd', 'currency') }} as varchar) as currency_code
