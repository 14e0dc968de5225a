with numbered as (

    select
        *,
        row_number() over (partition by ward order by step_number, visit_number) as ward_row
    from {{ ref('base_hl7_feed__steps') }}
    where ward is not null

)

select
    {{ source_key('hl7_feed', 'ward') }} as ward_id,
    {{ lineage('hl7_feed') }},
    ward as ward_code
from numbered
where ward_row = 1
