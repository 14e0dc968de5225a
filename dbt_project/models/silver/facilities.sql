with provided as (

    {{ unite('facilities') }}

),

declared as (

    {% for source, facts in var('sources').items() -%}
    select
        cast({{ facility(source, 'facility_id') }} as varchar) as facility_id,
        cast('{{ source }}' as varchar) as source_id,
        cast({{ facility(source, 'facility_name') }} as varchar) as facility_name,
        cast({{ facility(source, 'timezone') }} as varchar) as timezone,
        cast({{ facility(source, 'currency') }} as varchar) as currency_code,
        {{ loop.index }} as declaration_number
    {{ 'union all' if not loop.last }}
    {% else -%}
    select
        cast(null as varchar) as facility_id,
        cast(null as varchar) as source_id,
        cast(null as varchar) as facility_name,
        cast(null as varchar) as timezone,
        cast(null as varchar) as currency_code,
        0 as declaration_number
    limit 0
    {% endfor %}

),

numbered as (

    select
        *,
        row_number() over (partition by facility_id order by declaration_number) as facility_row_number
    from declared

)

select
    facility_id,
    source_id,
    batch_id,
    row_id,
    facility_name,
    timezone,
    currency_code
from provided

union all

-- several systems may belong to one hospital; what a system says itself goes before what its YAML says
select
    facility_id,
    source_id,
    cast(null as varchar) as batch_id,
    cast(null as bigint) as row_id,
    facility_name,
    timezone,
    currency_code
from numbered
where
    facility_row_number = 1
    and facility_id not in (select provided.facility_id from provided)
