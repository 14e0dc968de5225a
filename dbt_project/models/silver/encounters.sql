with united as (

    {{ unite('encounters', derived=['is_pseudo_admission']) }}

),

numbered_deaths as (

    select
        patient_id,
        encounter_id,
        died_at,
        row_number() over (partition by patient_id order by died_at, admitted_at, encounter_id) as death_number
    from united
    where died_at is not null

)

select
    united.*,
    -- nobody is admitted after dying: what follows is an account, such as that of an organ donor
    coalesce(united.admitted_at >= numbered_deaths.died_at, false) as is_pseudo_admission
from united
left join numbered_deaths
    on
        united.patient_id = numbered_deaths.patient_id
        and united.encounter_id <> numbered_deaths.encounter_id
        and numbered_deaths.death_number = 1
