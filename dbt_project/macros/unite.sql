{#- All rows of an entity from the active sources that provide it, with the columns and types of the silver contract;
    no rows at all if nobody provides it. The model that calls has the entity's name: its contract is meant, without
    the columns that silver derives. -#}
{% macro unite(entity, derived=[]) -%}
    {%- set contract = model.columns.values() if execute else [{'name': 'row_id', 'data_type': 'bigint'}] -%}
    {%- set columns = contract | rejectattr('name', 'in', derived) | list -%}
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
