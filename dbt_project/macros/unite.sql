{#- All rows of an entity from the active sources that provide it, with the columns and types of its silver contract;
    no rows at all if nobody provides it. -#}
{% macro unite(entity) -%}
    {%- set columns = entity_columns(entity) -%}
    {%- set providers = [] -%}
    {%- for source, facts in var('sources').items() if entity in facts.provides -%}
        {%- do providers.append(ref('stg_' ~ source ~ '__' ~ entity)) -%}
    {%- endfor -%}
    {%- for provider in providers %}
select
    {%- for column in columns %}
    cast({{ column.name }} as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ provider }}
{{ 'union all' if not loop.last }}
    {%- else %}
select
    {%- for column in columns %}
    cast(null as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
limit 0
    {%- endfor %}
{%- endmacro %}


{#- Columns of a silver model as its YAML declares them; known once the project has been parsed. -#}
{% macro entity_columns(entity) -%}
    {%- if not execute -%}
        {{ return([{'name': 'row_id', 'data_type': 'bigint'}]) }}
    {%- endif -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ entity] -%}
    {{ return(node.columns.values() | list) }}
{%- endmacro %}
