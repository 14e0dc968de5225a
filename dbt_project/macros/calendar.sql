{#- The day before a date. -#}
{% macro day_before(date) -%}
    cast({{ date }} - interval '1' day as date)
{%- endmacro %}


{#- First day of the month after a month, which is given by its first day. -#}
{% macro month_after(month) -%}
    cast({{ month }} + interval '1' month as date)
{%- endmacro %}
