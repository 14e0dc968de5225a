with states as (

    select * from {{ source('reference', 'staff__history') }}

),

looks as (

    {{ looks('states') }}

)

select
    cast({{ source_key('reference', 'states.staff_no') }} as {{ type_text() }}) as practitioner_id,
    cast({{ source_key('reference', 'states.home_ward_cd') }} as {{ type_text() }}) as home_ward_id,
    {{ lineage('reference', 'states') }},
    case
        when states.staff_kind = 'DOC' then 'PHYSICIAN'
        when states.staff_kind = 'NUR' and states.grade_cd in ('RN', 'LPN', 'UAP') then states.grade_cd
        else 'OTHER'
    end as role_code,
    cast(states.specialty_txt as {{ type_text() }}) as specialty_name,
    case states.contract_cd when 'AGENCY' then true when 'PERM' then false end as is_contract,
    looks.seen_at as valid_from_at,
    looks.next_seen_at as valid_to_at
from states
inner join looks on states._extracted_at = looks.seen_at
