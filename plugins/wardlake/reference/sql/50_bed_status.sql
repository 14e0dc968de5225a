-- The state of each bed without gaps: what interrupts OPEN are closures, and cleaning after each discharge.
CREATE TABLE adt.bed_status AS
WITH cleanings AS (
    SELECT
        bed_no,
        'CLEANING' AS status_cd,
        'Discharge cleaning' AS reason_txt,
        end_ts + to_minutes(5) AS valid_from,
        end_ts + to_minutes(30 + whole('cleaning', stays.id, 25)) AS valid_to
    FROM adt.bed_movement
    INNER JOIN stays USING (case_no)
    WHERE end_ts = dis_ts
),
shut AS (
    SELECT
        bed_no,
        'CLOSED' AS status_cd,
        reason_txt,
        greatest(moment(first_day, 1080), TIMESTAMP '2024-07-01') AS valid_from,
        CASE WHEN last_day < 365 THEN moment(last_day, 0) END AS valid_to
    FROM closures
    INNER JOIN line_beds
        ON
            line_beds.line = closures.line
            AND from_ts <= moment(first_day, 1080)
            AND to_ts > moment(first_day, 1080)
    INNER JOIN lines ON lines.line = bed_line
),
interruptions AS (
    SELECT * FROM cleanings
    UNION ALL
    SELECT * FROM shut
),
open AS (
    SELECT
        bed_no,
        'OPEN' AS status_cd,
        NULL AS reason_txt,
        lag(valid_to, 1, TIMESTAMP '2024-07-01') OVER (PARTITION BY bed_no ORDER BY valid_from) AS valid_from,
        valid_from AS valid_to
    FROM interruptions
    UNION ALL
    SELECT bed_no, 'OPEN', NULL, coalesce(max(valid_to), TIMESTAMP '2024-07-01'), NULL
    FROM lines
    LEFT JOIN interruptions USING (bed_no)
    GROUP BY bed_no
    HAVING count(*) FILTER (valid_from IS NOT NULL AND valid_to IS NULL) = 0
),
states AS (
    SELECT * FROM interruptions
    UNION ALL
    SELECT * FROM open WHERE valid_to IS NULL OR valid_from < valid_to
)
SELECT row_number() OVER (ORDER BY valid_from, bed_no) AS status_id, *
FROM states;
