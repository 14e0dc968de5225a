-- A cost of a quarter is of none of its months: divide it in the staging model, or leave it out.
select
    source_id,
    period_start_date,
    period_end_date
from {{ ref('drug_costs') }}
where
    period_end_date < period_start_date
    or {{ month_of('period_start_date') }} <> {{ month_of('period_end_date') }}
