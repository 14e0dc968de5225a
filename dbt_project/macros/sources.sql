{#- A fact about the facility of a source as an SQL literal: facility_id, facility_name, timezone or currency.
    Models of a source that is not active are parsed but never run, so only then may the fact be missing. -#}
{% macro facility(source, fact) -%}
    {%- set facts = var('sources').get(source) -%}
    {%- if facts is none and not execute -%}
        ''
    {%- elif facts is none -%}
        {{ exceptions.raise_compiler_error(
            "The source '" ~ source ~ "' is not active, but its model " ~ model.name ~ " was asked for. "
            ~ "Add it to WARDLAKE_SOURCES or exclude path:models/staging/" ~ source ~ "."
        ) }}
    {%- elif not facts.get(fact) -%}
        {{ exceptions.raise_compiler_error(
            "The facility '" ~ facts.get('facility_id', '?') ~ "' of the source '" ~ source ~ "' has no " ~ fact
            ~ ". Add it under 'facility' in dags/sources/" ~ source ~ ".yaml."
        ) }}
    {%- else -%}
        '{{ facts[fact] | replace("'", "''") }}'
    {%- endif -%}
{%- endmacro %}


{#- The facilities as the YAMLs of the sources that provide something describe them, one row for each source. A source
    that provides facilities itself knows better: its YAML describes the sender. -#}
{% macro declared_facilities() -%}
    {%- for source, facts in var('sources').items() if facts.provides and 'facilities' not in facts.provides -%}
    select
        cast({{ facility(source, 'facility_id') }} as {{ type_text() }}) as facility_id,
        cast('{{ source }}' as {{ type_text() }}) as source_id,
        cast({{ facility(source, 'facility_name') }} as {{ type_text() }}) as facility_name,
        cast({{ facility(source, 'timezone') }} as {{ type_text() }}) as timezone,
        cast({{ facility(source, 'currency') }} as {{ type_text() }}) as currency_code,
        {{ loop.index }} as declaration_number
    {{ 'union all' if not loop.last }}
    {% else -%}
    select
        cast(null as {{ type_text() }}) as facility_id,
        cast(null as {{ type_text() }}) as source_id,
        cast(null as {{ type_text() }}) as facility_name,
        cast(null as {{ type_text() }}) as timezone,
        cast(null as {{ type_text() }}) as currency_code,
        0 as declaration_number
    limit 0
    {%- endfor -%}
{%- endmacro %}


{#- The hospital and the system that a row belongs to. A file of many hospitals says in each row which one is meant:
    `facility_id` is an expression of its key, for example "'ccn_' || provider_no". -#}
{% macro facility_of(source, facility_id=none) -%}
    cast({{ facility_id or facility(source, 'facility_id') }} as {{ type_text() }}) as facility_id,
    cast('{{ source }}' as {{ type_text() }}) as source_id
{%- endmacro %}


{#- The columns that say where a row of silver came from; `table` qualifies them where several tables are joined, and
    `facility_id` is meant as in facility_of. -#}
{% macro lineage(source, table=none, facility_id=none) -%}
    {%- set prefix = table ~ "." if table else "" -%}
    {{ facility_of(source, facility_id) }},
    cast({{ prefix }}_batch_id as {{ type_text() }}) as batch_id,
    cast({{ prefix }}_row_id as bigint) as row_id
{%- endmacro %}


{#- A key that cannot collide with another hospital's: '<source>:<natural key>'. A source that refers to the keys of
    another system names that system instead of itself. NULL stays NULL. -#}
{% macro source_key(source, expression, kind=none) -%}
    '{{ source }}:{{ kind ~ ":" if kind else "" }}' || cast({{ expression }} as {{ type_text() }})
{%- endmacro %}


{#- A fact about a facility that a source provides; without it the run stops and names the facility. -#}
{% macro demanded(fact, name) -%}
    case
        when {{ fact }} is null
            then {{ refuse(
                "'The facility ' || coalesce(facility_id, 'without an id') || ' of the source ' || source_id || ' has no "
                ~ name ~ ". Give it one in stg_' || source_id || '__facilities.'"
            ) }}
        else {{ fact }}
    end
{%- endmacro %}


{#- The newest row of each key, as a table to select from: a file of stays names its patient at every stay, and files that
    are taken one by one (`mode: append`) tell of a stay again when it has ended. `by` is a column that says which is newer. -#}
{% macro newest_of_each(relation, key, by=none) -%}
    (
        select *
        from (
            select
                *,
                row_number() over (
                    partition by {{ key }}
                    order by {{ by ~ " desc nulls last, " if by else "" }}_batch_id desc, _row_id desc
                ) as newest_first
            from {{ relation }}
        ) as numbered
        where newest_first = 1
    )
{%- endmacro %}
