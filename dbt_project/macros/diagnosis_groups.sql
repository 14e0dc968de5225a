{#- Kinds of principal diagnosis that CMS leaves out of the readmission measure, by ICD chapter: treatment of cancer
    (chemotherapy and radiotherapy included), psychiatric disease, rehabilitation; NULL for all others. The measure itself
    groups by CCS, whose table cannot be shipped; chapters leave out some surgery for cancer more than it does. -#}
{% macro readmission_exclusion_of(code_system, code) -%}
    case
        when {{ code_system }} = 'ICD-10' then
            case
                when substr({{ code }}, 1, 3) between 'C00' and 'C97' or substr({{ code }}, 1, 3) = 'Z51' then 'CANCER'
                when substr({{ code }}, 1, 1) = 'F' then 'PSYCHIATRIC'
                when substr({{ code }}, 1, 3) = 'Z50' then 'REHABILITATION'
            end
        when {{ code_system }} = 'ICD-9-CM' then
            case
                when
                    substr({{ code }}, 1, 3) between '140' and '209'
                    or replace(substr({{ code }}, 1, 5), '.', '') in ('V580', 'V581', 'V5811', 'V5812')
                    then 'CANCER'
                when substr({{ code }}, 1, 3) between '290' and '319' then 'PSYCHIATRIC'
                when substr({{ code }}, 1, 3) = 'V57' then 'REHABILITATION'
            end
    end
{%- endmacro %}
