{#- Whether two values are the same, where NULL is the same as NULL. -#}
{% macro is_same(left, right) -%}
    {{- return(adapter.dispatch('is_same', 'wardlake')(left, right)) -}}
{%- endmacro %}

{% macro default__is_same(left, right) -%}
    {{ left }} is not distinct from {{ right }}
{%- endmacro %}

{% macro redshift__is_same(left, right) -%}
    ({{ left }} = {{ right }} or ({{ left }} is null and {{ right }} is null))
{%- endmacro %}


{#- The greater of two values, or the one that is known: `greatest` of some engines is NULL if one of the two is. -#}
{% macro greater_of(left, right) -%}
    greatest(coalesce({{ left }}, {{ right }}), coalesce({{ right }}, {{ left }}))
{%- endmacro %}
