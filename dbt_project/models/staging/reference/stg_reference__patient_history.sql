with states as (

    select * from {{ source('reference', 'pat_master__history') }}

),

looks as (

    {{ looks('states') }}

)

select
    cast({{ source_key('reference', 'states.mrn') }} as {{ type_text() }}) as patient_id,
    {{ lineage('reference', 'states') }},
    cast(states.fam_nm as {{ type_text() }}) as family_name,
    cast(states.giv_nm as {{ type_text() }}) as given_name,
    cast(states.phone as {{ type_text() }}) as phone_number,
    cast(states.addr_line as {{ type_text() }}) as address_line,
    cast(states.city as {{ type_text() }}) as city_name,
    looks.seen_at as valid_from_at,
    looks.next_seen_at as valid_to_at
from states
inner join looks on states._extracted_at = looks.seen_at
