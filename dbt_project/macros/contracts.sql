{#- dbt compares a model with its contract by these macros; they give it the engine's types of the contract. -#}
{% macro spark__get_empty_schema_sql(columns) -%}
    {{- return(default__get_empty_schema_sql(in_engine_types(columns))) -}}
{%- endmacro %}

{% macro bigquery__get_empty_schema_sql(columns) -%}
    {{- return(dbt.bigquery__get_empty_schema_sql(in_engine_types(columns))) -}}
{%- endmacro %}

{% macro athena__get_empty_schema_sql(columns) -%}
    {{- return(default__get_empty_schema_sql(in_engine_types(columns))) -}}
{%- endmacro %}

{% macro in_engine_types(columns) -%}
    {%- set translated = {} -%}
    {%- for name, column in columns.items() -%}
        {%- do translated.update({name: dict(column, data_type=engine_type(column.data_type))}) -%}
    {%- endfor -%}
    {{- return(translated) -}}
{%- endmacro %}


{#- Parquet tables of Spark have no constraints: what must not be NULL is counted when a table was built. -#}
{% macro spark__persist_constraints(relation, model) -%}
    {%- set counts = [] -%}
    {%- for column in model.columns.values() if 'not_null' in column.constraints | map(attribute='type') -%}
        {%- do counts.append("count(case when " ~ column.name ~ " is null then 1 end) as " ~ column.name) -%}
    {%- endfor -%}
    {%- if model.config.contract.enforced and counts -%}
        {%- set found = run_query("select " ~ counts | join(", ") ~ " from " ~ relation) -%}
        {%- set with_nulls = [] -%}
        {%- for name in found.column_names if found.columns[name][0] > 0 -%}
            {%- do with_nulls.append(name) -%}
        {%- endfor -%}
        {%- if with_nulls -%}
            {{ exceptions.raise_compiler_error("NOT NULL constraint failed: " ~ relation ~ "." ~ with_nulls | join(", ")) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- The columns of a new table, where the engine's names of types differ from the contract's. -#}
{#- The emulator does not understand columns before a query. -#}
{% macro bigquery__get_table_columns_and_constraints() -%}
    {%- if not env_var('WARDLAKE_BIGQUERY_ENDPOINT', '') -%}
        {{- columns_in_engine_types() -}}
    {%- endif -%}
{%- endmacro %}

{% macro redshift__get_table_columns_and_constraints() -%}
    {{- columns_in_engine_types() -}}
{%- endmacro %}

{% macro columns_in_engine_types() -%}
    ({{ adapter.render_raw_columns_constraints(raw_columns=in_engine_types(model.columns)) | join(', ') }})
{%- endmacro %}
