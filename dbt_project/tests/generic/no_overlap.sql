{#- Half-open periods [started_at, ended_at) of one key do not overlap; a period without end lasts for ever. -#}
{% test no_overlap(model, key, started_at, ended_at) %}

select *
from (
    select
        {{ key }},
        {{ started_at }},
        lag(coalesce({{ ended_at }}, {{ instant('9999-12-31 00:00:00') }})) over (
            partition by {{ key }} order by {{ started_at }}, {{ ended_at }} nulls last
        ) as preceding_end
    from {{ model }}
) as ordered
where {{ started_at }} < preceding_end

{% endtest %}
