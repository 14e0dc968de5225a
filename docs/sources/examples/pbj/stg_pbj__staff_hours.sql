-- A row for each role and kind of contract. The totals of a role (Hrs_RN) are left out: they are the sum of both kinds.
{% set roles = {
    'RNDON': ('RN_DIRECTOR', false),
    'RNadmin': ('RN_ADMIN', false),
    'RN': ('RN', true),
    'LPNadmin': ('LPN_ADMIN', false),
    'LPN': ('LPN', true),
    'CNA': ('UAP', true),
    'NAtrn': ('UAP_TRAINEE', true),
    'MedAide': ('MEDICATION_AIDE', true),
} %}

{% for column, (role, is_direct_care) in roles.items() %}
    {% set outer_loop = loop %}
    {% for suffix, is_contract in {'emp': false, 'ctr': true}.items() %}
        {% set hours = to_decimal('"Hrs_' ~ column ~ '_' ~ suffix ~ '"') %}
        select
            cast(null as {{ type_text() }}) as ward_id,
            {{ lineage('pbj', facility_id="'ccn_' || \"PROVNUM\"") }},
            {{ to_date(
                "substr(\"WorkDate\", 1, 4) || '-' || substr(\"WorkDate\", 5, 2) || '-' || substr(\"WorkDate\", 7, 2)"
            ) }} as work_date,
            '{{ role }}' as role_code,
            {{ is_contract }} as is_contract,
            -- paid for work on site, without meals and leave: these hours were worked
            {{ hours }} as paid_hours,
            {{ hours }} as productive_hours,
            {{ hours if is_direct_care else "case when " ~ hours ~ " is not null then 0 end" }} as direct_care_hours,
            {% for unknown in (
                'overtime_hours', 'present_hours', 'present_day_hours', 'present_night_hours', 'planned_hours',
                'planned_day_hours', 'planned_night_hours', 'staff_at_midnight', 'shifts_without_times'
            ) -%}
                null as {{ unknown }}{{ ',' if not loop.last }}
            {% endfor -%}
        from {{ source('pbj', 'daily_nurse_staffing') }}
        {{ 'union all' if not (loop.last and outer_loop.last) }}
    {% endfor %}
{% endfor %}
