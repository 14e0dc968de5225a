{#- Last local date that a period touches which ends, exclusively, at an instant: one that ends at midnight does not
    touch the day that begins then. -#}
{% macro last_local_date(ended_at, timezone) -%}
    {{ local_date(just_before(ended_at), timezone) }}
{%- endmacro %}


{#- The last instant before one that engines can tell apart, or the instant itself if no day begins between the two. -#}
{% macro just_before(instant) -%}
    {{- return(adapter.dispatch('just_before', 'wardlake')(instant)) -}}
{%- endmacro %}

{% macro default__just_before(instant) -%}
    ({{ instant }} - interval '1 microsecond')
{%- endmacro %}

{% macro bigquery__just_before(instant) -%}
    timestamp_sub({{ instant }}, interval 1 microsecond)
{%- endmacro %}

{#- Its intervals are no finer than milliseconds; days begin at whole seconds. -#}
{% macro athena__just_before(instant) -%}
    case
        when {{ instant }} = date_trunc('second', {{ instant }}) then date_add('second', -1, {{ instant }})
        else {{ instant }}
    end
{%- endmacro %}


{#- Whole years from one date to another, as birthdays are counted: the 29th of February comes on the 1st of March. -#}
{% macro age_in_years(birth_date, date) -%}
    cast(floor(({{ date_as_number(date) }} - {{ date_as_number(birth_date) }}) / 10000.0) as integer)
{%- endmacro %}


{% macro date_as_number(date) -%}
    (extract(year from {{ date }}) * 10000 + extract(month from {{ date }}) * 100 + extract(day from {{ date }}))
{%- endmacro %}


{#- Bands of ten years; those of 90 and more are one band, as their ages and years of birth would tell who they are. -#}
{% macro age_band(years) -%}
    case
        when {{ years }} < 0 then null
        {%- for first in range(0, 90, 10) %}
        when {{ years }} < {{ first + 10 }} then '{{ first }}-{{ first + 9 }}'
        {%- endfor %}
        when {{ years }} >= 90 then '90+'
    end
{%- endmacro %}


{#- Year of birth, NULL from the age of 90 on, as it would tell the age that the band hides. -#}
{% macro birth_year(birth_date, today) -%}
    cast(
        case when {{ age_in_years(birth_date, today) }} < 90 then extract(year from {{ birth_date }}) end as integer
    )
{%- endmacro %}
