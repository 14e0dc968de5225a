{#- No count of people between 1 and the threshold of small cells in a table for wide reading. -#}
{% test no_small_cell(model, columns) %}

select {{ columns | join(', ') }}
from {{ model }}
where
    {%- for column in columns %}
    {{ is_small_cell(column) }}{{ ' or' if not loop.last }}
    {%- endfor %}

{% endtest %}
