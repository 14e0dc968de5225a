-- Beds are shared out to ward types by largest remainder, wards have about 25 beds.
CREATE TABLE wards AS
WITH shared AS (
    SELECT
        *,
        floor(share * getvariable('beds'))::BIGINT AS whole_beds,
        share * getvariable('beds') - floor(share * getvariable('beds')) AS remainder
    FROM ward_types
),
by_type AS (
    SELECT
        *,
        whole_beds + (
            row_number() OVER (ORDER BY remainder DESC, ward_type)
            <= getvariable('beds') - sum(whole_beds) OVER ()
        )::INTEGER AS type_beds
    FROM shared
),
numbered AS (
    SELECT
        *,
        unnest(range(1, greatest(1, round(type_beds / 25))::BIGINT + 1)) AS ward_index,
        greatest(1, round(type_beds / 25))::BIGINT AS type_wards
    FROM by_type
),
sized AS (
    SELECT
        *,
        type_beds // type_wards + (ward_index <= type_beds % type_wards)::INTEGER AS beds
    FROM numbered
),
-- A nurse for each bed by day and evening, fewer at night; 7 nurses fill 5 places, as each works 5 days of 7.
staffed AS (
    SELECT
        row_number() OVER (ORDER BY ward_type, ward_index) AS ward_no,
        *,
        greatest(1, round(0.6 * beds))::BIGINT AS night_nurses,
        2 * beds + greatest(1, round(0.6 * beds))::BIGINT AS places
    FROM sized
)
SELECT
    ward_no,
    ward_type || printf('%02d', ward_index) AS ward_cd,
    ward_nm || ' ' || ward_index AS ward_nm,
    ward_type,
    floor_no,
    los_mean,
    min_age,
    max_age,
    elective_share,
    death_share,
    beds,
    (sum(beds) OVER earlier - beds)::BIGINT AS beds_before,
    night_nurses,
    places,
    ceil(places * 7 / 5)::BIGINT AS nurses,
    (sum(ceil(places * 7 / 5)) OVER earlier - ceil(places * 7 / 5))::BIGINT AS nurses_before,
    (sum(places) OVER earlier - places)::BIGINT AS places_before
FROM staffed
WINDOW earlier AS (ORDER BY ward_no)
ORDER BY ward_no;
