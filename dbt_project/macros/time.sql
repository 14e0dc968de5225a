{#- Local wall time of a hospital (TIMESTAMP without zone) as an instant (TIMESTAMP WITH TIME ZONE).
    Two wall times need a rule when clocks change:
    - a time that occurs twice in autumn (02:30) means the second one, in standard time;
    - a time that never occurs in spring (02:30) is read with the offset before the change, which is 03:30 summer time.
    DuckDB (ICU), PostgreSQL and Redshift do so; the others take the first of two times, which is mended here.
    The unit tests of stg_reference__ward_stays hold them to it. -#}
{% macro to_utc(expression, source) -%}
    {{- return(adapter.dispatch('to_utc', 'wardlake')(expression, facility(source, 'timezone'))) -}}
{%- endmacro %}

{% macro default__to_utc(expression, timezone) -%}
    (cast({{ expression }} as timestamp) at time zone {{ timezone }})
{%- endmacro %}

{#- `first` is the first instant with this wall time. With the offset that holds a day later the clock shows the same
    wall time again only if it occurs twice. -#}
{% macro spark__to_utc(expression, timezone) -%}
    {%- set wall = "cast(" ~ expression ~ " as timestamp)" -%}
    {%- set first = "to_utc_timestamp(" ~ wall ~ ", " ~ timezone ~ ")" -%}
    {%- set day_later = "(" ~ first ~ " + interval 24 hours)" -%}
    {%- set second = "(" ~ wall ~ " - (from_utc_timestamp(" ~ day_later ~ ", " ~ timezone ~ ") - " ~ day_later ~ "))" -%}
    case when from_utc_timestamp({{ second }}, {{ timezone }}) = {{ wall }} then {{ second }} else {{ first }} end
{%- endmacro %}

{% macro bigquery__to_utc(expression, timezone) -%}
    {%- set wall = "cast(" ~ expression ~ " as datetime)" -%}
    {%- set first = "timestamp(" ~ wall ~ ", " ~ timezone ~ ")" -%}
    {%- set day_later = "timestamp_add(" ~ first ~ ", interval 24 hour)" -%}
    {%- set offset = "datetime_diff(datetime(" ~ day_later ~ ", " ~ timezone ~ "), datetime(" ~ day_later ~ ", 'UTC'), second)" -%}
    {%- set second = "timestamp_sub(timestamp(" ~ wall ~ ", 'UTC'), interval " ~ offset ~ " second)" -%}
    case when datetime({{ second }}, {{ timezone }}) = {{ wall }} then {{ second }} else {{ first }} end
{%- endmacro %}

{% macro athena__to_utc(expression, timezone) -%}
    {%- set wall = "cast(" ~ expression ~ " as timestamp(6))" -%}
    {%- set first = "with_timezone(" ~ wall ~ ", " ~ timezone ~ ")" -%}
    {%- set day_later = "at_timezone(" ~ first ~ " + interval '24' hour, 'UTC')" -%}
    {%- set offset = "(cast(at_timezone(" ~ day_later ~ ", " ~ timezone ~ ") as timestamp(6)) - cast(" ~ day_later ~ " as timestamp(6)))" -%}
    {%- set second = "with_timezone(" ~ wall ~ " - " ~ offset ~ ", 'UTC')" -%}
    cast(
        at_timezone(
            case
                when cast(at_timezone({{ second }}, {{ timezone }}) as timestamp(6)) = {{ wall }} then {{ second }}
                else {{ first }}
            end, 'UTC'
        ) as timestamp(6)
    )
{%- endmacro %}


{#- Local date of an instant. -#}
{% macro local_date(instant, timezone) -%}
    {{- return(adapter.dispatch('local_date', 'wardlake')(instant, timezone)) -}}
{%- endmacro %}

{% macro default__local_date(instant, timezone) -%}
    cast({{ instant }} at time zone {{ timezone }} as date)
{%- endmacro %}

{#- `timezone` is a column, which DuckDB converts ten times slower than a constant: the zones of the active sources are
    therefore spelled out. -#}
{% macro duckdb__local_date(instant, timezone) -%}
    {%- set known = var('sources').values() | map(attribute='timezone') | unique | list -%}
    case
        {%- for zone in known %}
        when {{ timezone }} = '{{ zone }}' then cast({{ instant }} at time zone '{{ zone }}' as date)
        {%- endfor %}
        when {{ timezone }} is not null then cast({{ instant }} at time zone {{ timezone }} as date)
    end
{%- endmacro %}

{% macro spark__local_date(instant, timezone) -%}
    cast(from_utc_timestamp({{ instant }}, {{ timezone }}) as date)
{%- endmacro %}

{% macro bigquery__local_date(instant, timezone) -%}
    date({{ instant }}, {{ timezone }})
{%- endmacro %}

{% macro athena__local_date(instant, timezone) -%}
    cast(at_timezone(with_timezone({{ instant }}, 'UTC'), {{ timezone }}) as date)
{%- endmacro %}


{#- One row for each day from the first to the last date, both included; none if last < first. An expression of a SELECT
    list, which BigQuery, Redshift and Athena do not have: models for all engines use `select_each_day`. -#}
{% macro each_day(first_date, last_date) -%}
    {{- return(adapter.dispatch('each_day', 'wardlake')(first_date, last_date)) -}}
{%- endmacro %}

{% macro default__each_day(first_date, last_date) -%}
    {{ exceptions.raise_compiler_error(target.type ~ " has no each_day: " ~ model.name ~ " must use select_each_day.") }}
{%- endmacro %}

{% macro duckdb__each_day(first_date, last_date) -%}
    cast(unnest(generate_series(cast({{ first_date }} as timestamp), cast({{ last_date }} as timestamp), interval 1 day)) as date)
{%- endmacro %}

{% macro postgres__each_day(first_date, last_date) -%}
    cast(generate_series(cast({{ first_date }} as timestamp), cast({{ last_date }} as timestamp), interval '1 day') as date)
{%- endmacro %}

{% macro spark__each_day(first_date, last_date) -%}
    explode(
        case
            when {{ first_date }} <= {{ last_date }} then sequence({{ first_date }}, {{ last_date }}, interval 1 day)
        end
    )
{%- endmacro %}


{#- `select <columns>, <day>` of a table, with one row for each day from the first to the last date, both included; no row
    if last < first or one of them is unknown. -#}
{% macro select_each_day(table, columns, first_date, last_date, day) -%}
    {{- return(adapter.dispatch('select_each_day', 'wardlake')(table, columns, first_date, last_date, day)) -}}
{%- endmacro %}

{% macro default__select_each_day(table, columns, first_date, last_date, day) -%}
    select
        {{ columns | join(', ') }},
        {{ each_day(first_date, last_date) }} as {{ day }}
    from {{ table }}
{%- endmacro %}

{% macro bigquery__select_each_day(table, columns, first_date, last_date, day) -%}
    select
        {{ columns | join(', ') }},
        {{ day }}
    from {{ table }}
    cross join unnest(generate_date_array({{ first_date }}, {{ last_date }})) as {{ day }}
{%- endmacro %}

{#- 100,000 numbers are days enough for 273 years. -#}
{% macro redshift__select_each_day(table, columns, first_date, last_date, day) -%}
    select
        {{ columns | join(', ') }},
        cast(dateadd(day, numbers.number, {{ first_date }}) as date) as {{ day }}
    from {{ table }}
    inner join (
        select ones.n + 10 * tens.n + 100 * hundreds.n + 1000 * thousands.n + 10000 * ten_thousands.n as number
        from
            {%- for name in ['ones', 'tens', 'hundreds', 'thousands', 'ten_thousands'] %}
            (select 0 as n{% for n in range(1, 10) %} union all select {{ n }}{% endfor %}) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
    ) as numbers on numbers.number <= datediff(day, {{ first_date }}, {{ last_date }})
{%- endmacro %}

{% macro athena__select_each_day(table, columns, first_date, last_date, day) -%}
    select
        {{ columns | join(', ') }},
        {{ day }}
    from {{ table }}
    cross join unnest(
        case when {{ first_date }} <= {{ last_date }} then sequence({{ first_date }}, {{ last_date }}, interval '1' day) end
    ) as days ({{ day }})
{%- endmacro %}


{#- Whole days from one date to another; negative if the second is earlier. -#}
{% macro days_between(first_date, last_date) -%}
    {{- return(adapter.dispatch('days_between', 'wardlake')(first_date, last_date)) -}}
{%- endmacro %}

{% macro default__days_between(first_date, last_date) -%}
    date_diff('day', {{ first_date }}, {{ last_date }})
{%- endmacro %}

{% macro postgres__days_between(first_date, last_date) -%}
    cast(({{ last_date }}) - ({{ first_date }}) as bigint)
{%- endmacro %}

{% macro spark__days_between(first_date, last_date) -%}
    cast(datediff({{ last_date }}, {{ first_date }}) as bigint)
{%- endmacro %}

{% macro bigquery__days_between(first_date, last_date) -%}
    date_diff({{ last_date }}, {{ first_date }}, day)
{%- endmacro %}

{% macro redshift__days_between(first_date, last_date) -%}
    datediff(day, {{ first_date }}, {{ last_date }})
{%- endmacro %}


{#- A date moved by a number of days. -#}
{% macro add_days(date, days) -%}
    {{- return(adapter.dispatch('add_days', 'wardlake')(date, days)) -}}
{%- endmacro %}

{% macro default__add_days(date, days) -%}
    cast({{ date }} + ({{ days }}) as date)
{%- endmacro %}

{% macro duckdb__add_days(date, days) -%}
    cast({{ date }} + cast({{ days }} as integer) as date)
{%- endmacro %}

{% macro postgres__add_days(date, days) -%}
    cast({{ date }} + cast({{ days }} as integer) as date)
{%- endmacro %}

{% macro spark__add_days(date, days) -%}
    date_add({{ date }}, cast({{ days }} as int))
{%- endmacro %}

{% macro bigquery__add_days(date, days) -%}
    date_add({{ date }}, interval ({{ days }}) day)
{%- endmacro %}

{% macro redshift__add_days(date, days) -%}
    cast(dateadd(day, cast({{ days }} as integer), {{ date }}) as date)
{%- endmacro %}

{% macro athena__add_days(date, days) -%}
    date_add('day', {{ days }}, {{ date }})
{%- endmacro %}


{#- Seconds from one instant to another, clock changes included. -#}
{% macro seconds_between(first_instant, last_instant) -%}
    {{- return(adapter.dispatch('seconds_between', 'wardlake')(first_instant, last_instant)) -}}
{%- endmacro %}

{% macro default__seconds_between(first_instant, last_instant) -%}
    cast(floor(extract(epoch from {{ last_instant }})) - floor(extract(epoch from {{ first_instant }})) as bigint)
{%- endmacro %}

{% macro duckdb__seconds_between(first_instant, last_instant) -%}
    date_diff('second', {{ first_instant }}, {{ last_instant }})
{%- endmacro %}

{% macro spark__seconds_between(first_instant, last_instant) -%}
    unix_seconds({{ last_instant }}) - unix_seconds({{ first_instant }})
{%- endmacro %}

{% macro bigquery__seconds_between(first_instant, last_instant) -%}
    unix_seconds({{ last_instant }}) - unix_seconds({{ first_instant }})
{%- endmacro %}

{% macro redshift__seconds_between(first_instant, last_instant) -%}
    datediff(second, {{ first_instant }}, {{ last_instant }})
{%- endmacro %}

{% macro athena__seconds_between(first_instant, last_instant) -%}
    date_diff('second', date_trunc('second', {{ first_instant }}), date_trunc('second', {{ last_instant }}))
{%- endmacro %}


{#- First day of the month of a date. -#}
{% macro month_of(date) -%}
    {{- return(adapter.dispatch('month_of', 'wardlake')(date)) -}}
{%- endmacro %}

{% macro default__month_of(date) -%}
    cast(date_trunc('month', {{ date }}) as date)
{%- endmacro %}

{% macro bigquery__month_of(date) -%}
    cast(date_trunc({{ date }}, month) as date)
{%- endmacro %}
