with source as (

    select * from {{ source('mimic3', 'transfers') }}

)

-- MIMIC-III has no list of wards: a ward is what somebody was transferred to
select
    cast({{ source_key('mimic3', 'curr_wardid') }} as {{ type_text() }}) as ward_id,
    {{ facility_of('mimic3') }},
    cast(min(_batch_id) as {{ type_text() }}) as batch_id,
    cast(min(_row_id) as bigint) as row_id,
    cast(curr_wardid as {{ type_text() }}) as ward_code,
    cast(null as {{ type_text() }}) as ward_name,
    cast(case when count(curr_careunit) > 0 then 'ICU' end as {{ type_text() }}) as ward_type_code,
    cast(null as integer) as floor_number
from source
where curr_wardid is not null
group by curr_wardid
