{#- The n-th part of a text between delimiters, counted from 1; empty if there are fewer parts. -#}
{% macro text_part(expression, delimiter, number) -%}
    split_part({{ expression }}, '{{ delimiter }}', {{ number }})
{%- endmacro %}
