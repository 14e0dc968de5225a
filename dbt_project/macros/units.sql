{#- An amount in milligrams if its unit is one of mass, in its own unit otherwise. -#}
{% macro milligrams(quantity, unit_code) -%}
    cast(
        {{ quantity }}
        * case upper({{ unit_code }})
            when 'G' then 1000 when 'UG' then 0.001 when 'MCG' then 0.001 else 1
        end as decimal(18, 6)
    )
{%- endmacro %}
