{#- Exact quotient of two numbers as a decimal, rounded half away from zero at `scale` digits; NULL when the
    denominator is 0 or unknown. Engines divide decimals as floating point numbers, which rounds money differently on each
    of them: whole numbers do not. Both arguments may have up to six decimal digits. -#}
{% macro ratio(numerator, denominator, scale=4) -%}
    {%- set n = "cast(cast(" ~ numerator ~ " as decimal(38, 6)) * 1000000 as hugeint)" -%}
    {%- set d = "cast(cast(" ~ denominator ~ " as decimal(38, 6)) * 1000000 as hugeint)" -%}
    {%- set unit = 10 ** scale -%}
    case
        when {{ denominator }} <> 0
            then cast(
                cast(
                    sign({{ numerator }}) * sign({{ denominator }})
                    * ((2 * {{ unit }} * abs({{ n }}) + abs({{ d }})) // (2 * abs({{ d }}))) as decimal(28, 0)
                ) * cast({{ '%.*f' % (scale, 1 / unit) }} as decimal({{ scale + 1 }}, {{ scale }})) as decimal(18, {{ scale }})
            )
    end
{%- endmacro %}


{#- Text as a decimal, NULL when it is not a plain number: safe casts differ between engines, a pattern does not. -#}
{% macro to_decimal(expression, precision=18, scale=4) -%}
    case
        when regexp_full_match(trim({{ expression }}), '[+-]?[0-9]+([.][0-9]+)?')
            then cast(trim({{ expression }}) as decimal({{ precision }}, {{ scale }}))
    end
{%- endmacro %}


{#- Text that begins with an ISO date as a date, NULL otherwise. -#}
{% macro to_date(expression) -%}
    case
        when regexp_full_match(trim({{ expression }}), '[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([ T].*)?')
            then try_cast(substr(trim({{ expression }}), 1, 10) as date)
    end
{%- endmacro %}
