-- Absence comes in spells: sickness about five days (more in winter), holidays two weeks, courses single days.
-- The first place of a shift is always kept, so that no shift is without a nurse.
CREATE TABLE attendance AS
SELECT
    places.*,
    CASE
        WHEN place IN (0, beds, 2 * beds) THEN NULL
        WHEN
            unit('sick', hash(staff_no, (day + whole('sick phase', staff_no, 5)) // 5))
            < 0.054 + 0.02 * cos(2 * pi() * day / 365)
            THEN 'SICK'
        WHEN unit('holiday', hash(staff_no, (day + whole('holiday phase', staff_no, 14)) // 14)) < 0.08 THEN 'PTO'
        WHEN unit('course', hash(staff_no, day)) < 0.015 THEN 'EDU'
    END AS absence_cd
FROM places
INNER JOIN wards USING (ward_no);

-- Who steps in: a nurse of the ward on a free day (those who have just had nights take nights), or the agency.
CREATE TABLE replacements AS
WITH asked AS (
    SELECT
        *,
        CASE WHEN unit('fill', roster_id) < 0.32 THEN 'OT' WHEN unit('fill', roster_id) < 0.78 THEN 'AGY' END AS pay_cd
    FROM attendance
    WHERE absence_cd IS NOT NULL
),
queued AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY ward_no, day, pay_cd, shift_cd = 'N' ORDER BY place) - 1 AS nth_free,
        row_number() OVER (PARTITION BY ward_no, day, pay_cd, shift_cd ORDER BY place) - 1 AS nth_of_shift
    FROM asked
    WHERE pay_cd IS NOT NULL
),
offered AS (
    SELECT
        queued.*,
        nurses,
        nurses_before,
        wards.places AS ring_places,
        greatest(1, (nurses - wards.places) // 2 - 1) AS free_nurses,
        2 + ceil(0.15 * CASE WHEN shift_cd = 'N' THEN night_nurses ELSE beds END)::BIGINT AS agency_nurses
    FROM queued
    INNER JOIN wards USING (ward_no)
)
SELECT
    roster_id,
    ward_no,
    day,
    shift_cd,
    pay_cd,
    CASE
        WHEN pay_cd = 'AGY'
            THEN 'A' || printf('%05d', ward_no) || shift_cd || printf('%03d', (nth_of_shift + day * 3) % agency_nurses)
        WHEN shift_cd = 'N' THEN nurse_no(nurses_before, nurses, day, ring_places + nth_free)
        ELSE nurse_no(nurses_before, nurses, day, nurses - 1 - nth_free)
    END AS staff_no
FROM offered
WHERE (pay_cd = 'OT' AND nth_free < free_nurses) OR (pay_cd = 'AGY' AND nth_of_shift < agency_nurses);

CREATE TABLE worked AS
SELECT
    *,
    row_number() OVER (PARTITION BY ward_no, day, shift_cd ORDER BY roster_id, pay_cd) - 1 AS nth,
    count(*) OVER (PARTITION BY ward_no, day, shift_cd) AS nurses_present
FROM (
    SELECT roster_id, ward_no, day, shift_cd, staff_no, 'REG' AS pay_cd FROM attendance WHERE absence_cd IS NULL
    UNION ALL
    SELECT roster_id, ward_no, day, shift_cd, staff_no, pay_cd FROM replacements
);

CREATE TABLE hr.timeclock AS
WITH clocked AS (
    SELECT
        roster_id,
        ward_no,
        day,
        shift_cd,
        staff_no,
        pay_cd,
        NULL AS absence_cd,
        -- who steps in comes on the dot and leaves on the dot
        CASE
            WHEN pay_cd = 'REG' THEN shift_start(day, shift_cd) - to_minutes(whole('early', roster_id, 9))
            ELSE shift_start(day, shift_cd) + to_minutes(whole('late', roster_id, 6))
        END AS clock_in,
        CASE
            WHEN pay_cd = 'REG' THEN shift_end(day, shift_cd) + to_minutes(whole('stay on', roster_id, 11))
            ELSE shift_end(day, shift_cd)
        END AS clock_out
    FROM worked
    UNION ALL
    SELECT roster_id, ward_no, day, shift_cd, staff_no, 'REG', absence_cd, NULL, NULL
    FROM attendance
    WHERE absence_cd IS NOT NULL
)
SELECT
    (2 * roster_id + (pay_cd <> 'REG')::INTEGER)::BIGINT AS clock_id,
    CASE WHEN pay_cd = 'REG' THEN roster_id::BIGINT END AS roster_id,
    staff_no,
    ward_cd,
    day_of(day) AS shift_dt,
    shift_cd,
    clock_in,
    clock_out,
    CASE WHEN clock_in IS NULL THEN 0 WHEN shift_cd = 'N' THEN 45 ELSE 30 END::INTEGER AS break_min,
    pay_cd,
    absence_cd
FROM clocked
INNER JOIN wards USING (ward_no);
