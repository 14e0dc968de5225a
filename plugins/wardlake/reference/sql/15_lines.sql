-- A line is the chain of stays that begins in one bed. Lines of adult wards are paired; a pair exchanges patients.
CREATE TABLE lines AS
WITH numbered AS (
    SELECT wards.*, unnest(range(beds_before + 1, beds_before + beds + 1))::BIGINT AS line
    FROM wards
),
ranked AS (
    SELECT
        *,
        ward_type IN ('ICU', 'MED', 'SUR', 'GER') AS is_adult,
        row_number() OVER (
            PARTITION BY ward_type IN ('ICU', 'MED', 'SUR', 'GER')
            ORDER BY list_position(['ICU', 'MED', 'SUR', 'GER'], ward_type), line
        ) AS adult_rank,
        count(*) OVER (PARTITION BY ward_type IN ('ICU', 'MED', 'SUR', 'GER')) // 2 AS pairs
    FROM numbered
)
SELECT
    line,
    ward_no,
    ward_cd,
    ward_type,
    los_mean,
    min_age,
    max_age,
    elective_share,
    death_share,
    ward_cd || '-' || printf('%03d', line - beds_before) AS bed_no,
    CASE WHEN is_adult AND adult_rank <= 2 * pairs THEN (adult_rank - 1) % pairs + 1 END AS pair,
    adult_rank <= pairs AS is_first_of_pair,
    (getvariable('patients') - line) // getvariable('beds') + 1 AS line_patients
FROM ranked
ORDER BY line;
