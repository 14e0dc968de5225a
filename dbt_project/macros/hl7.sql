{#- A time of HL7 v2 ('20240229073000.123+0100', at least to the minute) as an instant. Without an offset it is the wall time
    of the hospital. NULL for all other text: a day alone is no instant, and `""` says that a value was deleted. -#}
{% macro hl7_instant(expression, source) -%}
    {%- set digits = "regexp_replace(trim(" ~ expression ~ "), '([.][0-9]+)?([+-][0-9]{4})?$', '')" -%}
    {%- set offset = "substr(trim(" ~ expression ~ "), length(trim(" ~ expression ~ ")) - 4)" -%}
    {%- set wall = hl7_wall_time(digits) -%}
    case
        when {{ to_instant(wall ~ " || 'Z'") }} is null then null
        when {{ matches(offset, '[+-][0-9]{4}') }}
            then {{ to_instant(wall ~ " || substr(" ~ offset ~ ", 1, 3) || ':' || substr(" ~ offset ~ ", 4)") }}
        else {{ to_utc(wall, source) }}
    end
{%- endmacro %}

{% macro hl7_wall_time(digits) -%}
    (
        substr({{ digits }}, 1, 4) || '-' || substr({{ digits }}, 5, 2) || '-' || substr({{ digits }}, 7, 2)
        || 'T' || substr({{ digits }}, 9, 2) || ':' || substr({{ digits }}, 11, 2) || ':'
        || case when length({{ digits }}) = 12 then '00' else substr({{ digits }}, 13) end
    )
{%- endmacro %}


{#- The day of a date or time of HL7 v2 ('20240229'), NULL for all other text. -#}
{% macro hl7_date(expression) -%}
    {{ to_date(
        "substr(" ~ expression ~ ", 1, 4) || '-' || substr(" ~ expression ~ ", 5, 2) || '-' || substr(" ~ expression ~ ", 7, 2)"
    ) }}
{%- endmacro %}
