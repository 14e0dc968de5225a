-- Blood is taken on admission and then every few mornings, up to six times; each time a few examinations are made.
CREATE TABLE exam_places AS
SELECT
    exam_cd,
    unnest(range((sum(weight) OVER earlier - weight)::BIGINT, (sum(weight) OVER earlier)::BIGINT)) AS place
FROM exams
WINDOW earlier AS (ORDER BY line_no);

CREATE TABLE ehr.exam_result AS
WITH draws AS (
    SELECT
        case_no,
        id AS stay_id,
        care_end_ts,
        hash(id, draw) AS draw_id,
        draw,
        CASE
            WHEN draw = 0
                THEN wall_clock(
                    greatest(adm_ts, TIMESTAMP '2025-01-01') + to_minutes(20 + whole('first blood', id, 60))
                )
            ELSE moment(greatest(adm_day, 0) + draw * 2 - 1, 330 + whole('morning blood', hash(id, draw), 120))
        END AS taken_ts
    FROM stays, range(0, 6) AS draws (draw)
    WHERE draw = 0 OR (greatest(adm_day, 0) + draw * 2 - 1 <= least(dis_day, 364) AND dis_day > greatest(adm_day, 0))
),
wished AS (
    SELECT draws.*, whole('exam', hash(draw_id, pick), (SELECT count(*) FROM exam_places)) AS place
    FROM draws, range(0, 4) AS picks (pick)
    WHERE taken_ts < least(care_end_ts, today())
),
picked AS (
    SELECT DISTINCT wished.* EXCLUDE (place), exam_cd
    FROM wished
    INNER JOIN exam_places USING (place)
),
measured AS (
    SELECT
        *,
        hash(draw_id, exam_cd) AS res_key,
        0.7 * normal('patient level', hash(stay_id, exam_cd)) + 0.7 * normal('draw level', hash(draw_id, exam_cd)) AS z,
        sqrt(ln(1 + pow(sd / mean, 2))) AS log_sd
    FROM picked
    INNER JOIN exams USING (exam_cd)
),
valued AS (
    SELECT
        *,
        CASE
            WHEN is_word THEN NULL
            WHEN sd > 0.5 * mean
                THEN round(
                    least(high, greatest(low, exp(ln(mean) - pow(log_sd, 2) / 2 + log_sd * z))), decimals::INTEGER
                )
            ELSE round(least(high, greatest(low, mean + sd * z)), decimals::INTEGER)
        END AS value
    FROM measured
)
SELECT
    row_number() OVER (ORDER BY taken_ts, case_no, exam_cd) AS res_id,
    case_no,
    exam_cd,
    exam_nm,
    taken_ts,
    CASE
        WHEN is_word AND unit('positive', res_key) < 0.12 THEN 'POSITIVE'
        WHEN is_word THEN 'NEGATIVE'
        ELSE format('{:.{}f}', value, decimals::INTEGER)
    END AS value_txt,
    value::DECIMAL(14, 4) AS value_num,
    unit_cd
FROM valued;
