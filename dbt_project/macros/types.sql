{#- The engine's name of a type of a contract: contracts are written once, in DuckDB's words. -#}
{% macro engine_type(contract_type) -%}
    {{- return(adapter.dispatch('engine_type', 'wardlake')(contract_type)) -}}
{%- endmacro %}

{% macro default__engine_type(contract_type) -%}
    {{- return(contract_type) -}}
{%- endmacro %}

{% macro spark__engine_type(contract_type) -%}
    {{- return({'varchar': 'string', 'timestamp with time zone': 'timestamp', 'integer': 'int'}.get(contract_type, contract_type)) -}}
{%- endmacro %}

{% macro bigquery__engine_type(contract_type) -%}
    {{- return({
        'varchar': 'string', 'timestamp with time zone': 'timestamp', 'integer': 'int64', 'bigint': 'int64', 'boolean': 'bool'
    }.get(contract_type, contract_type | replace('decimal', 'numeric'))) -}}
{%- endmacro %}

{#- A plain VARCHAR of Redshift ends after 256 bytes. -#}
{% macro redshift__engine_type(contract_type) -%}
    {{- return({'varchar': 'varchar(65535)'}.get(contract_type, contract_type)) -}}
{%- endmacro %}

{#- Tables of Athena have no time zones: an instant is a time in UTC. -#}
{% macro athena__engine_type(contract_type) -%}
    {{- return({'timestamp with time zone': 'timestamp(6)'}.get(contract_type, contract_type)) -}}
{%- endmacro %}


{#- Text of any length. -#}
{% macro type_text() -%}
    {{- return(engine_type('varchar')) -}}
{%- endmacro %}


{#- An instant, kept in UTC. -#}
{% macro type_instant() -%}
    {{- return(engine_type('timestamp with time zone')) -}}
{%- endmacro %}


{#- An instant as a literal: '2025-03-30 01:00:00' in UTC. -#}
{% macro instant(utc_text) -%}
    cast('{{ utc_text }}{{ "" if target.type == "athena" else "+00:00" }}' as {{ type_instant() }})
{%- endmacro %}
