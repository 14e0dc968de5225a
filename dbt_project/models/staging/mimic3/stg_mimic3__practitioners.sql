with source as (

    select * from {{ source('mimic3', 'caregivers') }}

)

select
    cast({{ source_key('mimic3', 'cgid') }} as {{ type_text() }}) as practitioner_id,
    cast(null as {{ type_text() }}) as home_ward_id,
    {{ lineage('mimic3') }},
    -- labels are typed by hand; those that are not clearly one of the roles are OTHER
    case
        when label in ('MD', 'MDs', 'Res') then 'PHYSICIAN'
        when label in ('RN', 'RNC') then 'RN'
        when label = 'LPN' then 'LPN'
        when label in ('PCT', 'PCA') then 'UAP'
        when label in ('RRT', 'RT', 'PT', 'RD', 'Rehab') then 'AHP'
        else 'OTHER'
    end as role_code,
    cast(null as {{ type_text() }}) as family_name,
    cast(null as {{ type_text() }}) as given_name,
    cast(description as {{ type_text() }}) as title_text,
    cast(null as {{ type_text() }}) as specialty_name,
    cast(null as integer) as experience_years,
    cast(null as boolean) as is_contract,
    cast(null as date) as hired_date
from source
