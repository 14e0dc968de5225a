{#- First day of the month after the one of a date. -#}
{% macro next_month(date) -%}
    {{- return(adapter.dispatch('next_month', 'wardlake')(date)) -}}
{%- endmacro %}

{% macro default__next_month(date) -%}
    cast(date_trunc('month', {{ date }}) + interval '1 month' as date)
{%- endmacro %}

{% macro spark__next_month(date) -%}
    add_months(trunc({{ date }}, 'MONTH'), 1)
{%- endmacro %}

{% macro bigquery__next_month(date) -%}
    cast(date_add(date_trunc({{ date }}, month), interval 1 month) as date)
{%- endmacro %}

{% macro athena__next_month(date) -%}
    cast(date_trunc('month', {{ date }}) + interval '1' month as date)
{%- endmacro %}


{#- Saturday and Sunday; 1 January 1900 was a Monday. -#}
{% macro is_weekend(date) -%}
    mod({{ days_between("date '1900-01-01'", date) }}, 7) in (5, 6)
{%- endmacro %}


{#- First month that data up to a day do not cover to its end. -#}
{% macro first_open_month(newest_date) -%}
    case
        when {{ days_between(newest_date, next_month(newest_date)) }} = 1 then {{ next_month(newest_date) }}
        else {{ month_of(newest_date) }}
    end
{%- endmacro %}


{#- Figures of a month are provisional until the month after it is complete as well, since hospitals correct what they
    have sent. `open_month` is the first month that is not complete; nothing is final where it is unknown. -#}
{% macro is_provisional(month_start_date, open_month) -%}
    coalesce({{ next_month(month_start_date) }} >= {{ open_month }}, true)
{%- endmacro %}
