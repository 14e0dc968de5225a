with source as (

    select * from {{ source('mimic3', 'patients') }}

)

select
    cast({{ source_key('mimic3', 'subject_id') }} as {{ type_text() }}) as patient_id,
    {{ lineage('mimic3') }},
    cast(subject_id as {{ type_text() }}) as medical_record_number,
    cast(null as {{ type_text() }}) as family_name,
    cast(null as {{ type_text() }}) as given_name,
    cast(null as {{ type_text() }}) as native_name,
    cast(case when gender in ('F', 'M') then gender end as {{ type_text() }}) as sex_code,
    cast(null as {{ type_text() }}) as phone_number,
    cast(null as {{ type_text() }}) as address_line,
    cast(null as {{ type_text() }}) as city_name,
    cast(dob as date) as birth_date,
    cast(dod as date) as death_date,
    cast(null as {{ type_instant() }}) as registered_at
from source
