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
