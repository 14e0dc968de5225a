-- Posts only: neither workbook tells hours. The nationalities of a staff group are summed.
{% set groups = {
    'HCHS doctors': 'PHYSICIAN',
    'Nurses & health visitors': 'RN',
    'Midwives': 'MIDWIFE',
    'Support to doctors, nurses & midwives': 'UAP',
} %}
{% set months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'] %}

with posts as (

    select
        "Organisation code" as org_code,
        substr("Month", 1, 4) as year_text,
        substr("Month", 6, 3) as month_text,
        case "Staff group"
            {%- for name, role in groups.items() %}
            when '{{ name }}' then '{{ role }}'
            {%- endfor %}
            else 'OTHER'
        end as role_code,
        {{ to_decimal('"FTE"', scale=6) }} as fte,
        _batch_id
    from {{ source('nhs_trusts', 'workforce') }}
    where upper("Organisation name") like '%TRUST%'
    {% for column, role in {'doctors': 'PHYSICIAN', 'nurses': 'RN'}.items() %}
    union all
    select
        org_code,
        '20' || substr(month, 5, 2) as year_text,
        upper(substr(month, 1, 3)) as month_text,
        '{{ role }}' as role_code,
        {{ to_decimal(column, scale=6) }} as fte,
        _batch_id
    from {{ source('nhs_trusts', 'doctors_and_nurses') }}
    {% endfor %}

),

dated as (

    select
        *,
        year_text || '-' || case month_text
            {%- for month in months %}
            when '{{ month }}' then '{{ '%02d' % loop.index }}'
            {%- endfor %}
        end || '-01' as month_start
    from posts

)

select
    cast(null as {{ type_text() }}) as ward_id,
    'nhs_' || org_code as facility_id,
    'nhs_trusts' as source_id,
    max(_batch_id) as batch_id,
    cast(null as bigint) as row_id,
    {{ to_date('month_start') }} as month_start_date,
    role_code,
    -- posts of the payroll: agency staff are not among them
    false as is_contract,
    sum(fte) as fte_in_post,
    {% for unknown in (
        'paid_hours', 'productive_hours', 'direct_care_hours', 'overtime_hours', 'present_hours', 'present_day_hours',
        'present_night_hours', 'planned_hours', 'planned_day_hours', 'planned_night_hours'
    ) -%}
        null as {{ unknown }}{{ ',' if not loop.last }}
    {% endfor -%}
from dated
group by org_code, month_start, role_code
