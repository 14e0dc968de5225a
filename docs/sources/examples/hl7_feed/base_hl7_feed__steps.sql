-- What happened to each visit, in the order in which it was recorded. Messages without a visit number (PV1-19) cannot
-- be followed: let the suite of `visit` tell of them. An update (A08) tells more of a visit, and moves nobody.
with source as (

    select
        *,
        {{ hl7_instant('recorded_at', 'hl7_feed') }} as recorded_instant,
        {{ hl7_instant('happened_at', 'hl7_feed') }} as happened_instant,
        {{ hl7_instant('sent_at', 'hl7_feed') }} as sent_instant
    from {{ source('hl7_feed', 'visit') }}
    where
        visit_number is not null
        and trigger_event in ('A01', 'A02', 'A03', 'A04', 'A06', 'A07', 'A08', 'A11', 'A12', 'A13')

),

ordered as (

    select
        *,
        -- the visit's own times of admission and discharge go before the time of the message
        coalesce(
            case
                when trigger_event in ('A01', 'A04') then {{ hl7_instant('admitted_at', 'hl7_feed') }}
                when trigger_event = 'A03' then {{ hl7_instant('discharged_at', 'hl7_feed') }}
            end,
            happened_instant,
            recorded_instant,
            sent_instant
        ) as step_at,
        row_number() over (
            partition by visit_number
            order by coalesce(recorded_instant, sent_instant), _batch_id, _file, _row_id
        ) as step_number
    from source

),

-- updates lie between a step and its cancellation without breaking the pair
moves as (

    select
        *,
        lead(trigger_event) over (partition by visit_number order by step_number) as next_event
    from ordered
    where trigger_event <> 'A08'

)

select
    ordered.visit_number,
    ordered.step_number,
    ordered.trigger_event,
    ordered.step_at,
    ordered.mrn,
    ordered.patient_class,
    ordered.admission_type,
    ordered.ward,
    ordered.admitted_at,
    ordered.discharge_disposition,
    ordered._batch_id,
    ordered._row_id,
    -- A11 cancels an admission, A12 a transfer, A13 a discharge; each takes back the step before it
    ordered.trigger_event in ('A11', 'A12', 'A13')
    or coalesce(ordered.trigger_event in ('A01', 'A04') and moves.next_event = 'A11', false)
    or coalesce(ordered.trigger_event = 'A02' and moves.next_event = 'A12', false)
    or coalesce(ordered.trigger_event = 'A03' and moves.next_event = 'A13', false) as is_undone
from ordered
left join moves on ordered.visit_number = moves.visit_number and ordered.step_number = moves.step_number
