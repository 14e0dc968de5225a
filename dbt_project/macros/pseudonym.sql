{#- Keyed pseudonym of an identifier: HMAC-SHA256 (RFC 2104) as 64 hexadecimal digits. NULL stays NULL.
    The padded keys reach the engine beside the query and are never part of its text: as variables of the session in DuckDB
    (wardlake.warehouse.dbt_plugin) and PostgreSQL, from the environment of the process in a Spark of this machine,
    and as a table of one row, wardlake_keys.pads, that wardlake keeps in BigQuery, Redshift, Athena and a Spark cluster. -#}
{% macro pseudonym(expression) -%}
    {{- return(adapter.dispatch('pseudonym', 'wardlake')(expression)) -}}
{%- endmacro %}

{% macro duckdb__pseudonym(expression) -%}
    sha256(
        getvariable('wardlake_pseudonym_outer')
        || unhex(sha256(getvariable('wardlake_pseudonym_inner') || encode({{ expression }})))
    )
{%- endmacro %}

{% macro postgres__pseudonym(expression) -%}
    encode(
        sha256(
            decode(current_setting('wardlake.pseudonym_outer'), 'hex')
            || sha256(decode(current_setting('wardlake.pseudonym_inner'), 'hex') || convert_to({{ expression }}, 'UTF8'))
        ), 'hex'
    )
{%- endmacro %}

{% macro spark__pseudonym(expression) -%}
    {%- if target.host == 'session' -%}
        {%- set inner, outer = "'${env:DBT_ENV_SECRET_PSEUDONYM_INNER}'", "'${env:DBT_ENV_SECRET_PSEUDONYM_OUTER}'" -%}
    {%- else -%}
        {%- set inner, outer = key_pad('inner'), key_pad('outer') -%}
    {%- endif -%}
    sha2(
        concat(unhex({{ outer }}), unhex(sha2(concat(unhex({{ inner }}), encode({{ expression }}, 'UTF-8')), 256))), 256
    )
{%- endmacro %}

{% macro bigquery__pseudonym(expression) -%}
    {%- set inner = "sha256(from_hex(concat(" ~ key_pad('inner') ~ ", to_hex(cast(" ~ expression ~ " as bytes)))))" -%}
    to_hex(sha256(from_hex(concat({{ key_pad('outer') }}, to_hex({{ inner }})))))
{%- endmacro %}

{% macro redshift__pseudonym(expression) -%}
    sha2(
        from_hex({{ key_pad('outer') }})
        || from_hex(sha2(from_hex({{ key_pad('inner') }}) || to_varbyte({{ expression }}, 'utf-8'), 256)), 256
    )
{%- endmacro %}

{% macro athena__pseudonym(expression) -%}
    lower(
        to_hex(
            sha256(
                from_hex({{ key_pad('outer') }}) || sha256(from_hex({{ key_pad('inner') }}) || to_utf8({{ expression }}))
            )
        )
    )
{%- endmacro %}


{% macro key_pad(name) -%}
    (select pads.{{ name }}_hex from wardlake_keys.pads)
{%- endmacro %}
