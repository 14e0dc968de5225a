{#- Whether a count of people is so small that it could tell who they are: 1 to the threshold less one. 0 tells of nobody. -#}
{% macro is_small_cell(count) -%}
    coalesce({{ count }} between 1 and {{ var('small_cell') - 1 }}, false)
{%- endmacro %}


{#- Whether a part of a whole tells of too few people: by itself, or by what is left of the whole, or as the whole is small. -#}
{% macro is_small_part(part, whole) -%}
    ({{ is_small_cell(part) }} or {{ is_small_cell(whole) }} or {{ is_small_cell(whole ~ ' - ' ~ part) }})
{%- endmacro %}
