{#- Text at a path of a JSON document that bronze keeps as text, such as '$.coding[0].code'; NULL if nothing is there. -#}
{% macro json_text(document, path) -%}
    {{- return(adapter.dispatch('json_text', 'wardlake')(document, path)) -}}
{%- endmacro %}

{% macro default__json_text(document, path) -%}
    json_extract_string({{ document }}, '{{ path }}')
{%- endmacro %}

{% macro postgres__json_text(document, path) -%}
    (jsonb_path_query_first(cast({{ document }} as jsonb), '{{ path }}') #>> '{}')
{%- endmacro %}

{% macro spark__json_text(document, path) -%}
    get_json_object({{ document }}, '{{ path }}')
{%- endmacro %}

{% macro bigquery__json_text(document, path) -%}
    json_value({{ document }}, '{{ path }}')
{%- endmacro %}

{% macro athena__json_text(document, path) -%}
    json_extract_scalar({{ document }}, '{{ path }}')
{%- endmacro %}


{#- The member `wanted` of the first object in a JSON list whose member `given` has a value, among the first `at_most`:
    a patient's record number among the numbers, the code of one system among the codes. -#}
{% macro json_pick(list, given, value, wanted, at_most=8) -%}
    coalesce(
        {%- for index in range(at_most) %}
        case
            when {{ json_text(list, '$[' ~ index ~ '].' ~ given) }} = '{{ value }}'
                then {{ json_text(list, '$[' ~ index ~ '].' ~ wanted) }}
        end{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}


{#- The id that a FHIR reference names: 'Patient/1', 'https://server/Patient/1', 'Patient?identifier=system|1'. -#}
{% macro fhir_id(reference) -%}
    regexp_replace({{ reference }}, '^.*[/|]', '')
{%- endmacro %}
