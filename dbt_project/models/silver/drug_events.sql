with events as (

    {{ unite('drug_events') }}

),

corrected as (

    -- distinct: a line may be corrected more than once
    select distinct corrects_drug_event_id as drug_event_id
    from events
    where corrects_drug_event_id is not null

)

-- a late correction replaces the line that it names
select
    {%- for column in entity_columns('drug_events') %}
    events.{{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
from events
left join corrected on events.drug_event_id = corrected.drug_event_id
where corrected.drug_event_id is null
