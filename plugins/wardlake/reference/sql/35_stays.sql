-- Stays with their clock times. Who leaves does so by half past one; who comes into that bed on the same day does so
-- after half past two.
CREATE TABLE all_stays AS
WITH joined AS (
    SELECT
        chains.*,
        rec_id,
        is_fatal,
        is_baby,
        row_number() OVER (PARTITION BY rec_id ORDER BY n) = 1 AS is_first
    FROM chains
    INNER JOIN chosen USING (line, n)
    INNER JOIN slots USING (line, slot)
),
timed AS (
    SELECT
        *,
        CASE
            WHEN is_same_day_turnover AND dis_day = adm_day THEN 870 + whole('minute', id, 90)
            WHEN is_same_day_turnover THEN 870 + whole('minute', id, 560)
            WHEN dis_day = adm_day THEN 390 + whole('minute', id, 180)
            WHEN is_elective AND NOT is_baby THEN 390 + whole('minute', id, 270)
            WHEN unit('by day', id) < 0.7 THEN 480 + whole('minute', id, 840)
            ELSE whole('minute', id, 1440)
        END AS adm_minute,
        CASE
            WHEN dis_day = adm_day AND is_same_day_turnover THEN 1050 + whole('end minute', id, 150)
            WHEN dis_day = adm_day THEN 720 + whole('end minute', id, 360)
            ELSE 480 + whole('end minute', id, 330)
        END AS dis_minute
    FROM joined
)
SELECT
    line,
    n,
    id,
    rec_id,
    ward_type,
    is_baby,
    adm_day,
    dis_day,
    moment(adm_day, adm_minute) AS adm_ts,
    moment(dis_day, dis_minute) AS planned_dis_ts,
    CASE
        WHEN is_fatal AND dis_day < 365
            THEN greatest(
                moment(adm_day, adm_minute + 60), moment(dis_day, dis_minute - 30 - whole('death', id, 400))
            )
    END AS death_ts,
    coalesce(death_ts, moment(dis_day, dis_minute)) AS care_end_ts,
    CASE
        WHEN is_baby AND is_first THEN 'NEWBORN'
        WHEN is_elective THEN 'ELECTIVE'
        WHEN unit('urgent', id) < 0.28 THEN 'URGENT'
        ELSE 'EMERGENCY'
    END AS adm_type_cd,
    dis_day >= 0 AND adm_day < 365 AS is_visible
FROM timed;
