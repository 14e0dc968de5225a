with source as (

    select * from {{ source('reference', 'pat_master') }}

)

select
    cast({{ source_key('reference', 'mrn') }} as varchar) as patient_id,
    {{ lineage('reference') }},
    cast(mrn as varchar) as medical_record_number,
    cast(fam_nm as varchar) as family_name,
    cast(giv_nm as varchar) as given_name,
    cast(native_nm as varchar) as native_name,
    case sex_cd when 'F' then 'F' when 'M' then 'M' when 'X' then 'O' end as sex_code,
    cast(phone as varchar) as phone_number,
    cast(addr_line as varchar) as address_line,
    cast(city as varchar) as city_name,
    cast(dob as date) as birth_date,
    cast(null as date) as death_date,
    {{ to_utc('reg_ts', 'reference') }} as registered_at
from source
