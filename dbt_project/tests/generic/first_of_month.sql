{#- Figures of a calendar month carry its first day: any other day would make a month of its own in gold. -#}
{% test first_of_month(model, column_name) %}

select {{ column_name }}
from {{ model }}
where {{ column_name }} <> {{ month_of(column_name) }}

{% endtest %}
