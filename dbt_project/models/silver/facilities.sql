with provided as (

    {{ unite('facilities') }}

),

declared as (

    {{ declared_facilities() }}

),

numbered as (

    select
        *,
        row_number() over (partition by facility_id order by declaration_number) as facility_row_number
    from declared

)

-- a census midnight is local and an amount has a currency: without them the hospital's figures would mean nothing
select
    facility_id,
    source_id,
    batch_id,
    row_id,
    coalesce(facility_name, facility_id) as facility_name,
    {{ demanded('timezone', 'time zone') }} as timezone,
    {{ demanded('currency_code', 'currency') }} as currency_code
from provided

union all

-- several systems may belong to one hospital; what a system says itself goes before what its YAML says
select
    facility_id,
    source_id,
    cast(null as {{ type_text() }}) as batch_id,
    cast(null as bigint) as row_id,
    facility_name,
    timezone,
    currency_code
from numbered
where
    facility_row_number = 1
    and not exists (
        select 1
        from provided
        where provided.facility_id = numbered.facility_id
    )
