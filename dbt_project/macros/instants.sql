{#- Text of a time that names its offset ('2024-02-29T07:30:00+01:00', '2024-02-29T06:30:00Z') as an instant; NULL for all
    other text, a time without an offset included: `to_utc` reads local times. -#}
{% macro to_instant(expression) -%}
    {{- return(adapter.dispatch('to_instant', 'wardlake')(expression)) -}}
{%- endmacro %}

{% macro default__to_instant(expression) -%}
    cast({{ text_of_instant(expression) }} as {{ type_instant() }})
{%- endmacro %}

{% macro athena__to_instant(expression) -%}
    cast(at_timezone(from_iso8601_timestamp(replace({{ text_of_instant(expression) }}, ' ', 'T')), 'UTC') as timestamp(6))
{%- endmacro %}

{% macro text_of_instant(expression) -%}
    case
        when
            {{ to_date(expression) }} is not null
            and {{ matches(
                "substr(trim(" ~ expression ~ "), 11)",
                '[ T]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})'
            ) }}
            then trim({{ expression }})
    end
{%- endmacro %}


{#- An instant some minutes later, or earlier if they are negative: for sources that tell times as offsets. -#}
{% macro add_minutes(instant, minutes) -%}
    {{- return(adapter.dispatch('add_minutes', 'wardlake')(instant, minutes)) -}}
{%- endmacro %}

{% macro default__add_minutes(instant, minutes) -%}
    ({{ instant }} + ({{ minutes }}) * interval '1 minute')
{%- endmacro %}

{% macro bigquery__add_minutes(instant, minutes) -%}
    timestamp_add({{ instant }}, interval cast({{ minutes }} as int64) minute)
{%- endmacro %}

{% macro athena__add_minutes(instant, minutes) -%}
    date_add('minute', {{ minutes }}, {{ instant }})
{%- endmacro %}
