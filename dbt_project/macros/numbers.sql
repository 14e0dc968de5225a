{#- Exact quotient of two numbers as a decimal, rounded half away from zero at `scale` digits; NULL when the
    denominator is 0 or unknown. Engines divide decimals as floating point numbers, which rounds money differently on each
    of them: whole numbers do not. Both arguments may have up to six decimal digits. -#}
{% macro ratio(numerator, denominator, scale=4) -%}
    {%- set n = millionths(numerator) -%}
    {%- set d = millionths(denominator) -%}
    {%- set unit = 10 ** scale -%}
    case
        when {{ denominator }} <> 0
            then cast(
                case when ({{ numerator }} < 0) <> ({{ denominator }} < 0) then -1 else 1 end
                * cast({{ whole_quotient("(" ~ 2 * unit ~ " * abs(" ~ n ~ ") + abs(" ~ d ~ "))", "(2 * abs(" ~ d ~ "))") }} as decimal(28, 0))
                * cast({{ '%.*f' % (scale, 1 / unit) }} as decimal({{ scale + 1 }}, {{ scale }})) as decimal(18, {{ scale }})
            )
    end
{%- endmacro %}


{#- A number times a million, as a whole number with room for 37 digits. -#}
{% macro millionths(number) -%}
    {{- return(adapter.dispatch('millionths', 'wardlake')(number)) -}}
{%- endmacro %}

{% macro default__millionths(number) -%}
    cast(cast({{ number }} as decimal(38, 6)) * 1000000 as decimal(38, 0))
{%- endmacro %}

{% macro duckdb__millionths(number) -%}
    cast(cast({{ number }} as decimal(38, 6)) * 1000000 as hugeint)
{%- endmacro %}

{% macro bigquery__millionths(number) -%}
    cast(cast({{ number }} as bignumeric(38, 6)) * 1000000 as bignumeric(38, 0))
{%- endmacro %}


{#- Quotient of two whole numbers above 0, without its fraction. Without the remainder every engine divides exactly. -#}
{% macro whole_quotient(dividend, divisor) -%}
    {{- return(adapter.dispatch('whole_quotient', 'wardlake')(dividend, divisor)) -}}
{%- endmacro %}

{% macro default__whole_quotient(dividend, divisor) -%}
    ({{ dividend }} - mod({{ dividend }}, {{ divisor }})) / {{ divisor }}
{%- endmacro %}

{% macro duckdb__whole_quotient(dividend, divisor) -%}
    {{ dividend }} // {{ divisor }}
{%- endmacro %}

{% macro postgres__whole_quotient(dividend, divisor) -%}
    div({{ dividend }}, {{ divisor }})
{%- endmacro %}


{#- Text as a decimal, NULL when it is not a plain number: safe casts differ between engines, a pattern does not. -#}
{% macro to_decimal(expression, precision=18, scale=4) -%}
    case
        when {{ matches("trim(" ~ expression ~ ")", '[+-]?[0-9]+([.][0-9]+)?') }}
            then cast(trim({{ expression }}) as decimal({{ precision }}, {{ scale }}))
    end
{%- endmacro %}


{#- Text that begins with an ISO date as a date, NULL otherwise, and for a day that no calendar has. -#}
{% macro to_date(expression) -%}
    {%- set day = "substr(trim(" ~ expression ~ "), 1, 10)" -%}
    {%- set days_of_months = [
        '(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])',
        '(0[469]|11)-(0[1-9]|[12][0-9]|30)',
        '02-(0[1-9]|1[0-9]|2[0-8])',
    ] | join('|') -%}
    {%- set leap_days = '([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29' -%}
    case
        when
            {{ matches(day, "[0-9]{4}-(" ~ days_of_months ~ ")|" ~ leap_days) }}
            and substr({{ day }}, 1, 4) <> '0000'
            and substr(trim({{ expression }}), 11, 1) in ('', ' ', 'T')
            then cast({{ day }} as date)
    end
{%- endmacro %}


{#- Whether a whole text matches a pattern, in what regular expressions of all engines have in common. -#}
{% macro matches(expression, pattern) -%}
    {{- return(adapter.dispatch('matches', 'wardlake')(expression, pattern)) -}}
{%- endmacro %}

{% macro default__matches(expression, pattern) -%}
    {{ expression }} ~ '^({{ pattern }})$'
{%- endmacro %}

{% macro duckdb__matches(expression, pattern) -%}
    regexp_full_match({{ expression }}, '{{ pattern }}')
{%- endmacro %}

{#- Java's $ allows a line end behind it, \z does not. -#}
{% macro spark__matches(expression, pattern) -%}
    {{ expression }} rlike '^({{ pattern }})\\z'
{%- endmacro %}

{% macro bigquery__matches(expression, pattern) -%}
    regexp_contains({{ expression }}, r'^({{ pattern }})$')
{%- endmacro %}

{% macro athena__matches(expression, pattern) -%}
    regexp_like({{ expression }}, '^({{ pattern }})\z')
{%- endmacro %}
