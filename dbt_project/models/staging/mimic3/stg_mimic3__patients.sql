with source as (

    select * from {{ source('mimic3', 'patients') }}

)

select
    cast({{ source_key('mimic3', 'subject_id') }} as varchar) as patient_id,
    {{ lineage('mimic3') }},
    cast(subject_id as varchar) as medical_record_number,
    cast(null as varchar) as family_name,
    cast(null as varchar) as given_name,
    cast(null as varchar) as native_name,
    cast(case when gender in ('F', 'M') then gender end as varchar) as sex_code,
    cast(null as varchar) as phone_number,
    cast(null as varchar) as address_line,
    cast(null as varchar) as city_name,
    cast(dob as date) as birth_date,
    cast(dod as date) as death_date,
    cast(null as timestamp with time zone) as registered_at
from source
