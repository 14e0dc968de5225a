-- The newest message of a patient counts. Merges (A40) are not followed here.
with numbered as (

    select
        *,
        row_number() over (
            partition by mrn
            order by {{ hl7_instant('sent_at', 'hl7_feed') }} desc nulls last, _batch_id desc, _file desc, _row_id desc
        ) as newest_first
    from {{ source('hl7_feed', 'patient') }}
    where mrn is not null

)

select
    {{ source_key('hl7_feed', 'mrn') }} as patient_id,
    {{ lineage('hl7_feed') }},
    mrn as medical_record_number,
    nullif(family_name, '""') as family_name,
    nullif(given_name, '""') as given_name,
    case when sex in ('F', 'M', 'O', 'U') then sex end as sex_code,
    nullif(city, '""') as city_name,
    {{ hl7_date('birth_date') }} as birth_date
from numbered
where newest_first = 1
