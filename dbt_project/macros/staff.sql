{#- Roles of practitioners and staff_hours as the measures of staffing group them. -#}
{% macro roles_of(group) -%}
    {%- set groups = {
        'nursing': ['RN', 'LPN', 'UAP'],
        'registered': ['RN', 'LPN', 'MIDWIFE', 'AHP'],
        'unregistered': ['UAP'],
        'care': ['RN', 'LPN', 'UAP', 'MIDWIFE', 'AHP'],
        'rn_paid': ['RN', 'RN_ADMIN', 'RN_DIRECTOR'],
        'lpn_paid': ['LPN', 'LPN_ADMIN'],
        'na_paid': ['UAP', 'UAP_TRAINEE', 'MEDICATION_AIDE'],
        'paid': [
            'RN', 'RN_ADMIN', 'RN_DIRECTOR', 'LPN', 'LPN_ADMIN', 'UAP', 'UAP_TRAINEE', 'MEDICATION_AIDE'
        ],
    } -%}
    {{- return("('" ~ groups[group] | join("', '") ~ "')") -}}
{%- endmacro %}


{#- Sum over the rows of a group of roles, and of one contract flag if `condition` says so; NULL if there is none. -#}
{% macro sum_of_roles(column, group, condition=none) -%}
    sum(
        case
            when role_code in {{ roles_of(group) }}{{ " and " ~ condition if condition }} then {{ column }}
        end
    )
{%- endmacro %}


{#- A part of a total: 0 if the total is known and the part has no row. -#}
{% macro part_of(part, total) -%}
    case when {{ total }} is not null then coalesce({{ part }}, 0) end
{%- endmacro %}
