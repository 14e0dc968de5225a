-- Time zones by state, for its larger part where it has two. A home without a zone stops the build: add its state here.
{% set states = {
    'America/New_York': ['CT', 'DC', 'DE', 'FL', 'GA', 'IN', 'KY', 'MA', 'MD', 'ME', 'MI', 'NC', 'NH', 'NJ', 'NY', 'OH',
                         'PA', 'RI', 'SC', 'VA', 'VT', 'WV'],
    'America/Chicago': ['AL', 'AR', 'IA', 'IL', 'KS', 'LA', 'MN', 'MO', 'MS', 'ND', 'NE', 'OK', 'SD', 'TN', 'TX', 'WI'],
    'America/Denver': ['CO', 'ID', 'MT', 'NM', 'UT', 'WY'],
    'America/Phoenix': ['AZ'],
    'America/Los_Angeles': ['CA', 'NV', 'OR', 'WA'],
    'America/Anchorage': ['AK'],
    'Pacific/Honolulu': ['HI'],
    'America/Puerto_Rico': ['PR'],
    'Pacific/Guam': ['GU'],
} %}

with numbered as (

    select
        *,
        row_number() over (partition by "PROVNUM" order by "WorkDate" desc, _row_id) as newest
    from {{ source('pbj', 'daily_nurse_staffing') }}

)

select
    {{ lineage('pbj', facility_id="'ccn_' || \"PROVNUM\"") }},
    cast("PROVNAME" as {{ type_text() }}) as facility_name,
    case
        {%- for zone, codes in states.items() %}
        when "STATE" in ('{{ codes | join("', '") }}') then '{{ zone }}'
        {%- endfor %}
    end as timezone,
    'USD' as currency_code
from numbered
where newest = 1
