-- Birth dates are not known, and would be wrong: only ages at admission are, which encounters have.
select
    {{ source_key('icu_offsets', 'uniquepid') }} as patient_id,
    {{ lineage('icu_offsets', facility_id="'icu_' || hospitalid") }},
    uniquepid as medical_record_number,
    case gender when 'Female' then 'F' when 'Male' then 'M' when 'Other' then 'O' when 'Unknown' then 'U' end
        as sex_code
from {{ newest_of_each(source('icu_offsets', 'patient'), 'uniquepid') }} as newest
