select
    {{ source_key('synthea', '"Id"') }} as patient_id,
    {{ lineage('synthea') }},
    "Id" as medical_record_number,
    "LAST" as family_name,
    "FIRST" as given_name,
    case when "GENDER" in ('F', 'M') then "GENDER" end as sex_code,
    "ADDRESS" as address_line,
    "CITY" as city_name,
    {{ to_date('"BIRTHDATE"') }} as birth_date,
    {{ to_date('"DEATHDATE"') }} as death_date
from {{ source('synthea', 'patients') }}
