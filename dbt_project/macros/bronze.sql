{#- Bronze as files becomes tables of the engine when dbt begins; DuckDB and PostgreSQL have tables already. -#}
{% macro declare_bronze() -%}
    {%- if execute -%}
        {%- do adapter.dispatch('declare_bronze', 'wardlake')() -%}
    {%- endif -%}
{%- endmacro %}

{% macro default__declare_bronze() -%}
{%- endmacro %}

{% macro spark__declare_bronze() -%}
    {%- for table in graph.sources.values() if var('sources').get(table.source_name, {}).provides -%}
        {%- do run_query("create database if not exists " ~ table.schema) -%}
        {%- do run_query("drop table if exists " ~ table.schema ~ "." ~ table.identifier) -%}
        {%- do run_query(
            "create table " ~ table.schema ~ "." ~ table.identifier ~ " using parquet location '"
            ~ env_var('WARDLAKE_BRONZE_FOLDER') ~ "/" ~ table.schema ~ "/" ~ table.identifier ~ "'"
        ) -%}
    {%- endfor -%}
{%- endmacro %}


{#- After a table was built: PostgreSQL counts the values of new tables some time later, and until then takes a hundred
    times as long for a query over them. -#}
{% macro count_values() -%}
    {{- return(adapter.dispatch('count_values', 'wardlake')()) -}}
{%- endmacro %}

{% macro default__count_values() -%}
{%- endmacro %}

{% macro postgres__count_values() -%}
    analyze {{ this }}
{%- endmacro %}
