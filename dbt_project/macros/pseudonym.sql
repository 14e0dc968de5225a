{#- Keyed pseudonym of an identifier: HMAC-SHA256 (RFC 2104) as 64 hexadecimal digits. The padded keys are variables of the
    session, set by wardlake.warehouse.dbt_plugin: the key is never part of a query. NULL stays NULL. -#}
{% macro pseudonym(expression) -%}
    sha256(
        getvariable('wardlake_pseudonym_outer')
        || unhex(sha256(getvariable('wardlake_pseudonym_inner') || encode({{ expression }})))
    )
{%- endmacro %}
