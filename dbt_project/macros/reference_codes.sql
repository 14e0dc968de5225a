{#- Shift codes of the reference hospital in the words of silver. -#}
{% macro reference_shift(expression) -%}
    case {{ expression }} when 'D' then 'DAY' when 'E' then 'EVENING' when 'N' then 'NIGHT' end
{%- endmacro %}
