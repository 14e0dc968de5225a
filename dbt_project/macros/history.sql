{#- How the rows of an entity changed (SCD type 2), for the model that has the entity's name. A staging model gives what was
    seen: the state of `key` from valid_from_at until valid_to_at, or until the next state if that is not known. States
    may come in any order and more than once: of two that begin at one instant the one of the later batch holds, and
    states that follow each other without a gap or a change are one row, with the lineage of the first of them. -#}
{% macro history(entity, key, attributes) -%}
with seen as (

    {{ unite(entity, derived=['is_current']) }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by {{ key }}, valid_from_at order by batch_id desc, row_id desc
        ) as newest_first
    from seen

),

followed as (

    select
        *,
        lead(valid_from_at) over (partition by {{ key }} order by valid_from_at) as next_from_at
    from ranked
    where newest_first = 1

),

ended as (

    select
        *,
        case
            when valid_to_at is null or next_from_at < valid_to_at then next_from_at else valid_to_at
        end as until_at
    from followed

),

compared as (

    select
        *,
        lag(until_at) over (partition by {{ key }} order by valid_from_at) as before_until_at
        {%- for attribute in attributes %},
        lag({{ attribute }}) over (partition by {{ key }} order by valid_from_at) as before_{{ attribute }}
        {%- endfor %}
    from ended

),

marked as (

    select
        *,
        case
            when
                ({{ is_same('before_until_at', 'valid_from_at') }})
                {%- for attribute in attributes %}
                and ({{ is_same('before_' ~ attribute, attribute) }})
                {%- endfor %}
                then 0
            else 1
        end as is_new
    from compared

),

counted as (

    select
        *,
        sum(is_new) over (
            partition by {{ key }} order by valid_from_at rows between unbounded preceding and current row
        ) as version_number
    from marked

),

whole as (

    select
        *,
        last_value(until_at) over (
            partition by {{ key }}, version_number
            order by valid_from_at
            rows between unbounded preceding and unbounded following
        ) as ended_at
    from counted

)

select
    {{ key }},
    facility_id,
    source_id,
    batch_id,
    row_id,
    {%- for attribute in attributes %}
    {{ attribute }},
    {%- endfor %}
    valid_from_at,
    ended_at as valid_to_at,
    ended_at is null as is_current
from whole
where is_new = 1
{%- endmacro %}


{#- The moments at which a table was looked at, each with the next one: a row of a snapshot holds from one to the other. -#}
{% macro looks(states) -%}
    select
        seen_at,
        lead(seen_at) over (order by seen_at) as next_seen_at
    from (select distinct _extracted_at as seen_at from {{ states }}) as moments
{%- endmacro %}
