{#- Local wall time of a hospital (TIMESTAMP without zone) as an instant (TIMESTAMP WITH TIME ZONE).
    Two wall times need a rule when clocks change:
    - a time that occurs twice in autumn (02:30) means the second one, in standard time;
    - a time that never occurs in spring (02:30) is read with the offset before the change, which is 03:30 summer time.
    DuckDB (ICU) and PostgreSQL both do so; the unit tests of stg_reference__ward_stays hold them to it. -#}
{% macro to_utc(expression, source) -%}
    (cast({{ expression }} as timestamp) at time zone {{ facility(source, 'timezone') }})
{%- endmacro %}


{#- Local date of an instant. `timezone` is a column, which DuckDB converts ten times slower than a constant:
    the zones of the active sources are therefore spelled out. -#}
{% macro local_date(instant, timezone) -%}
    {%- set known = var('sources').values() | map(attribute='timezone') | unique | list -%}
    case
        {%- for zone in known %}
        when {{ timezone }} = '{{ zone }}' then cast({{ instant }} at time zone '{{ zone }}' as date)
        {%- endfor %}
        when {{ timezone }} is not null then cast({{ instant }} at time zone {{ timezone }} as date)
    end
{%- endmacro %}


{#- One row for each day from the first to the last date, both included; none if last < first. -#}
{% macro each_day(first_date, last_date) -%}
    cast(unnest(generate_series(cast({{ first_date }} as timestamp), cast({{ last_date }} as timestamp), interval 1 day)) as date)
{%- endmacro %}


{#- Whole days from one date to another; negative if the second is earlier. -#}
{% macro days_between(first_date, last_date) -%}
    date_diff('day', {{ first_date }}, {{ last_date }})
{%- endmacro %}


{#- Seconds from one instant to another, clock changes included. -#}
{% macro seconds_between(first_instant, last_instant) -%}
    date_diff('second', {{ first_instant }}, {{ last_instant }})
{%- endmacro %}


{#- First day of the month of a date. -#}
{% macro month_of(date) -%}
    cast(date_trunc('month', {{ date }}) as date)
{%- endmacro %}
