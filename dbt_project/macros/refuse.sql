{#- Stop the run with a message that is an SQL expression, where a value is missing without which nothing may go on. It
    must hold no value of a patient. -#}
{% macro refuse(message) -%}
    {{ return(adapter.dispatch('refuse', 'wardlake')(message)) }}
{%- endmacro %}

{% macro default__refuse(message) -%}
    error({{ message }})
{%- endmacro %}
