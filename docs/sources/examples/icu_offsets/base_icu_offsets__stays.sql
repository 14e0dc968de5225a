{#- The day that stands for the unknown day of every discharge. Change it nowhere else. -#}
{% set anchor = '07-01' %}

-- Offsets become times by one declared anchor: everybody is discharged on 1 July of the year of discharge, at the hour
-- that was recorded. The discharge is the anchor, as all units of a stay in hospital count from their own admission, and
-- have the discharge in common. Times of one stay in hospital compare to the minute; times of different ones do not.
with source as (

    select
        *,
        case
            when {{ matches('hospitaldischargetime24', '[0-9]{2}:[0-9]{2}:[0-9]{2}') }}
                then {{ to_instant("hospitaldischargeyear || '-" ~ anchor ~ "T' || hospitaldischargetime24 || 'Z'") }}
        end as discharged_at,
        cast({{ to_decimal('hospitaladmitoffset', scale=0) }} as bigint) as hospital_admit_offset,
        cast({{ to_decimal('hospitaldischargeoffset', scale=0) }} as bigint) as hospital_discharge_offset,
        cast({{ to_decimal('unitdischargeoffset', scale=0) }} as bigint) as unit_discharge_offset
    from {{ source('icu_offsets', 'patient') }}

)

select
    *,
    {{ add_minutes('discharged_at', 'hospital_admit_offset - hospital_discharge_offset') }} as admitted_at,
    {{ add_minutes('discharged_at', '-hospital_discharge_offset') }} as unit_admitted_at,
    {{ add_minutes('discharged_at', 'unit_discharge_offset - hospital_discharge_offset') }} as unit_discharged_at,
    row_number() over (
        partition by patienthealthsystemstayid
        order by {{ to_decimal('unitvisitnumber', scale=0) }}, _row_id
    ) as unit_number
from source
