{#- All rows of an entity from the active sources that provide it, with the columns and types of the silver contract;
    no rows at all if nobody provides it. The model that calls has the entity's name: its contract is meant. A column that a
    staging model does not have is NULL, unless the contract demands it; `derived` names columns that silver adds itself. -#}
{% macro unite(entity, derived=[]) -%}
    {%- set columns = [{'name': 'row_id', 'data_type': 'bigint'}] -%}
    {%- if execute -%}
        {%- set columns = model.columns.values() | rejectattr('name', 'in', derived) | list -%}
    {%- endif -%}
    {%- set providers = [] -%}
    {%- for source, facts in var('sources').items() if entity in facts.provides -%}
        {%- do providers.append('stg_' ~ source ~ '__' ~ entity) -%}
    {%- endfor -%}
    {%- for provider in providers %}
    {%- set relation = ref(provider) -%}
    {%- set given = staged_columns(provider, relation) %}
select
    {%- for column in columns %}
    cast({{ column.name if not given or column.name in given else 'null' }} as {{ engine_type(column.data_type) }}) as {{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ relation }}
{{ 'union all' if not loop.last }}
    {%- else %}
select
    {%- for column in columns %}
    cast(null as {{ engine_type(column.data_type) }}) as {{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
limit 0
    {%- endfor %}
{%- endmacro %}


{#- Names of the columns of a staging model: those of its contract, or else of its view; none if neither is there yet.
    A name that silver does not know is refused: it would be a misspelt column that is taken as left out. -#}
{% macro staged_columns(provider, relation) -%}
    {%- set names = [] -%}
    {%- if execute -%}
        {%- set declared = graph.nodes['model.' ~ project_name ~ '.' ~ provider].columns -%}
        {%- if declared -%}
            {%- do names.extend(declared.keys()) -%}
        {%- else -%}
            {%- do names.extend(adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower')) -%}
        {%- endif -%}
        {%- for name in names if name not in model.columns -%}
            {{ exceptions.raise_compiler_error(
                "The model " ~ provider ~ " has a column '" ~ name ~ "' that silver." ~ model.name ~ " does not know. "
                ~ "Rename it as models/silver/" ~ model.name ~ ".yml does, or leave it out."
            ) }}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}
