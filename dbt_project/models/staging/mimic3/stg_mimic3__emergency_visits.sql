with source as (

    select * from {{ source('mimic3', 'admissions') }}

)

-- MIMIC-III tells of emergency visits that ended in an admission only
select
    cast({{ source_key('mimic3', 'hadm_id') }} as {{ type_text() }}) as emergency_visit_id,
    cast({{ source_key('mimic3', 'subject_id') }} as {{ type_text() }}) as patient_id,
    cast({{ source_key('mimic3', 'hadm_id') }} as {{ type_text() }}) as encounter_id,
    {{ lineage('mimic3') }},
    cast(null as {{ type_text() }}) as department_type_code,
    {{ to_utc('edregtime', 'mimic3') }} as arrived_at,
    {{ to_utc('edouttime', 'mimic3') }} as departed_at
from source
where edregtime is not null
