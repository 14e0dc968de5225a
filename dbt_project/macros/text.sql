{#- The n-th part of a text between delimiters, counted from 1; empty if there are fewer parts. -#}
{% macro text_part(expression, delimiter, number) -%}
    {{- return(adapter.dispatch('text_part', 'wardlake')(expression, delimiter, number)) -}}
{%- endmacro %}

{% macro default__text_part(expression, delimiter, number) -%}
    split_part({{ expression }}, '{{ delimiter }}', {{ number }})
{%- endmacro %}

{% macro bigquery__text_part(expression, delimiter, number) -%}
    case
        when {{ expression }} is not null
            then coalesce(split({{ expression }}, '{{ delimiter }}')[safe_ordinal({{ number }})], '')
    end
{%- endmacro %}

{% macro athena__text_part(expression, delimiter, number) -%}
    case
        when {{ expression }} is not null then coalesce(split_part({{ expression }}, '{{ delimiter }}', {{ number }}), '')
    end
{%- endmacro %}
