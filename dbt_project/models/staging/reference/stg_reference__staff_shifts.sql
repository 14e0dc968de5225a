with roster as (

    select * from {{ source('reference', 'roster') }}

),

timeclock as (

    select * from {{ source('reference', 'timeclock') }}

)

select
    cast({{ source_key('reference', 'roster_id', 'roster') }} as {{ type_text() }}) as staff_shift_id,
    cast(null as {{ type_text() }}) as planned_shift_id,
    cast({{ source_key('reference', 'staff_no') }} as {{ type_text() }}) as practitioner_id,
    cast({{ source_key('reference', 'ward_cd') }} as {{ type_text() }}) as ward_id,
    {{ lineage('reference') }},
    cast('PLANNED' as {{ type_text() }}) as shift_kind_code,
    {{ reference_shift('shift_cd') }} as shift_code,
    cast(null as {{ type_text() }}) as pay_code,
    cast(null as {{ type_text() }}) as absence_code,
    cast(null as integer) as break_minutes,
    cast(null as boolean) as is_direct_care,
    cast(shift_dt as date) as shift_date,
    {{ to_utc('plan_start', 'reference') }} as started_at,
    {{ to_utc('plan_end', 'reference') }} as ended_at
from roster

union all

select
    cast({{ source_key('reference', 'clock_id', 'timeclock') }} as {{ type_text() }}) as staff_shift_id,
    cast({{ source_key('reference', 'roster_id', 'roster') }} as {{ type_text() }}) as planned_shift_id,
    cast({{ source_key('reference', 'staff_no') }} as {{ type_text() }}) as practitioner_id,
    cast({{ source_key('reference', 'ward_cd') }} as {{ type_text() }}) as ward_id,
    {{ lineage('reference') }},
    cast('WORKED' as {{ type_text() }}) as shift_kind_code,
    {{ reference_shift('shift_cd') }} as shift_code,
    case pay_cd when 'REG' then 'REGULAR' when 'OT' then 'OVERTIME' when 'AGY' then 'AGENCY' end as pay_code,
    case absence_cd when 'SICK' then 'SICK' when 'PTO' then 'LEAVE' when 'EDU' then 'EDUCATION' end as absence_code,
    cast(break_min as integer) as break_minutes,
    -- nurses are clocked in for a ward and care for its patients for the whole shift
    true as is_direct_care,
    cast(shift_dt as date) as shift_date,
    {{ to_utc('clock_in', 'reference') }} as started_at,
    {{ to_utc('clock_out', 'reference') }} as ended_at
from timeclock
