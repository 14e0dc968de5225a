{#- Stop the run with a message that is an SQL expression, where a value is missing without which nothing may go on. It
    must hold no value of a patient. -#}
{% macro refuse(message) -%}
    {{- return(adapter.dispatch('refuse', 'wardlake')(message)) -}}
{%- endmacro %}

{% macro default__refuse(message) -%}
    error({{ message }})
{%- endmacro %}

{% macro spark__refuse(message) -%}
    raise_error({{ message }})
{%- endmacro %}

{% macro athena__refuse(message) -%}
    fail({{ message }})
{%- endmacro %}

{#- Neither has a function that fails: a text that is no number stops the query, and the message quotes it. -#}
{% macro postgres__refuse(message) -%}
    cast(cast({{ message }} as integer) as varchar)
{%- endmacro %}

{% macro redshift__refuse(message) -%}
    {{- return(postgres__refuse(message)) -}}
{%- endmacro %}
