{#- An amount in milligrams if its unit is one of mass, in its own unit otherwise. -#}
{% macro milligrams(quantity, unit_code) -%}
    cast(
        {{ quantity }}
        * case upper({{ unit_code }})
            when 'G' then cast('1000' as decimal(7, 3))
            when 'UG' then cast('0.001' as decimal(7, 3))
            when 'MCG' then cast('0.001' as decimal(7, 3))
            else cast('1' as decimal(7, 3))
        end as decimal(18, 6)
    )
{%- endmacro %}
