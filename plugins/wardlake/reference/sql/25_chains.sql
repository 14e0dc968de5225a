-- Stays of a line follow each other: a gap of some nights, a stay of log-normal length, and so on, in whole nights.
-- The chain begins in October 2024, so that on 2025-01-01 the house is as full as on any other day.
CREATE TABLE chains AS
WITH places AS (
    SELECT *, unnest(range(1, ceil(640 / (los_mean * 1.2))::BIGINT + 13))::BIGINT AS n
    FROM lines
),
drawn AS (
    SELECT
        *,
        hash(line, n) AS id,
        CASE
            WHEN unit('same day', hash(line, n)) < 0.04 THEN 0
            ELSE least(90, greatest(1, round(exp(ln(los_mean * 1.08) - 0.36125 + 0.85 * normal('los', hash(line, n))))))
        END::BIGINT AS nights
    FROM places
),
gapped AS (
    SELECT
        *,
        floor(-ln(1 - unit('gap', id)) * (0.147 * los_mean + 0.46))::BIGINT
        -- a bed that was used for part of a day only is not used again on that day
        + coalesce(lag(nights = 0) OVER (PARTITION BY line ORDER BY n), false)::BIGINT AS gap
    FROM drawn
),
chained AS (
    SELECT
        *,
        whole('chain start', line, 10) - 85 - nights
        + sum(gap + nights) OVER (PARTITION BY line ORDER BY n) AS first_day
    FROM gapped
),
-- A closure ends the stay that it meets, and moves all later ones behind it.
with_closures AS (
    SELECT
        chained.*,
        CASE
            WHEN kind = 'opened' THEN chained.first_day + last_day + 85
            WHEN kind = 'pause' AND chained.first_day >= closures.first_day
                THEN chained.first_day + last_day - closures.first_day
            ELSE chained.first_day
        END AS start_day,
        CASE
            WHEN kind = 'opened' THEN chained.first_day + nights + last_day + 85
            WHEN kind IN ('pause', 'given up') AND chained.first_day < closures.first_day
                THEN least(chained.first_day + nights, closures.first_day)
            WHEN kind = 'pause' THEN chained.first_day + nights + last_day - closures.first_day
            ELSE chained.first_day + nights
        END AS end_day
    FROM chained
    LEFT JOIN closures USING (line)
    WHERE kind IS DISTINCT FROM 'given up' OR chained.first_day < closures.first_day
),
-- Planned admissions of a weekend wait two days and few patients go home on a Sunday; both only shorten a stay.
planned AS (
    SELECT
        *,
        unit('elective', id) < elective_share AS wants_plan,
        isodow(day_of(start_day)) AS start_dow,
        isodow(day_of(end_day)) AS end_dow,
        end_day - start_day AS raw_nights
    FROM with_closures
),
moved AS (
    SELECT
        *,
        CASE
            WHEN wants_plan AND start_dow >= 6 AND raw_nights >= 4 AND unit('wait', id) < 0.9
                THEN start_day + 2
            ELSE start_day
        END AS adm_day,
        CASE
            WHEN end_dow = 7 AND raw_nights >= 6 AND unit('no sunday', id) < 0.6 THEN end_day - 2
            ELSE end_day
        END AS dis_day
    FROM planned
)
SELECT
    line,
    n,
    id,
    ward_type,
    adm_day::BIGINT AS adm_day,
    dis_day::BIGINT AS dis_day,
    wants_plan AND (isodow(day_of(adm_day)) < 6 OR unit('weekend plan', id) < 0.15) AS is_elective,
    coalesce(lag(dis_day) OVER (PARTITION BY line ORDER BY n) = adm_day, false) AS is_same_day_turnover
FROM moved
WHERE adm_day < 400;
