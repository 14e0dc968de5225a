with source as (

    select * from {{ source('reference', 'pat_master') }}

)

select
    cast({{ source_key('reference', 'mrn') }} as {{ type_text() }}) as patient_id,
    {{ lineage('reference') }},
    cast(mrn as {{ type_text() }}) as medical_record_number,
    cast(fam_nm as {{ type_text() }}) as family_name,
    cast(giv_nm as {{ type_text() }}) as given_name,
    cast(native_nm as {{ type_text() }}) as native_name,
    case sex_cd when 'F' then 'F' when 'M' then 'M' when 'X' then 'O' end as sex_code,
    cast(phone as {{ type_text() }}) as phone_number,
    cast(addr_line as {{ type_text() }}) as address_line,
    cast(city as {{ type_text() }}) as city_name,
    cast(dob as date) as birth_date,
    cast(null as date) as death_date,
    {{ to_utc('reg_ts', 'reference') }} as registered_at
from source
