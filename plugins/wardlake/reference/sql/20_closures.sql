-- Some beds are shut for weeks, some open during the year, some are given up. [first_day, last_day) is shut.
CREATE TABLE closures AS
WITH drawn AS (
    SELECT
        line,
        unit('closure kind', line) AS kind,
        whole('closure day', line, 330) + 10 AS day,
        14 + whole('closure length', line, 29) AS days
    FROM lines
)
SELECT
    line,
    CASE WHEN kind < 0.25 THEN 'pause' WHEN kind < 0.28 THEN 'opened' ELSE 'given up' END AS kind,
    CASE WHEN kind >= 0.25 AND kind < 0.28 THEN -185 ELSE day END AS first_day,
    CASE WHEN kind < 0.25 THEN day + days WHEN kind < 0.28 THEN day END AS last_day,
    CASE
        WHEN kind < 0.25
            THEN ['Renovation', 'Staff shortage', 'Infection control', 'Technical defect'][1 + whole('reason', line, 4)]
        WHEN kind < 0.28 THEN 'New bed, not yet in use'
        ELSE 'Taken out of service'
    END AS reason_txt
FROM drawn
WHERE kind < 0.31;
