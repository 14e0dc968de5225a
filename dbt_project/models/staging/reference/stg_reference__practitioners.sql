with source as (

    select * from {{ source('reference', 'staff') }}

)

select
    cast({{ source_key('reference', 'staff_no') }} as {{ type_text() }}) as practitioner_id,
    cast({{ source_key('reference', 'home_ward_cd') }} as {{ type_text() }}) as home_ward_id,
    {{ lineage('reference') }},
    case
        when staff_kind = 'DOC' then 'PHYSICIAN'
        when staff_kind = 'NUR' and grade_cd in ('RN', 'LPN', 'UAP') then grade_cd
        else 'OTHER'
    end as role_code,
    cast(fam_nm as {{ type_text() }}) as family_name,
    cast(giv_nm as {{ type_text() }}) as given_name,
    cast(title_txt as {{ type_text() }}) as title_text,
    cast(specialty_txt as {{ type_text() }}) as specialty_name,
    cast(experience_years as integer) as experience_years,
    case contract_cd when 'AGENCY' then true when 'PERM' then false end as is_contract,
    cast(hire_dt as date) as hired_date
from source
