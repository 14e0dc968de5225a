CREATE TABLE rounds AS
SELECT *
FROM (
    VALUES
    ('OD', [480]),
    ('BID', [480, 1200]),
    ('TID', [370, 840, 1320]),
    ('QID', [370, 720, 1080, 1330])
) AS rounds (freq_cd, minutes);

CREATE TABLE doses AS
WITH planned AS (
    SELECT
        rx_id,
        case_no,
        drug_cd,
        wall_clock(start_ts + to_minutes(20)) AS given_ts,
        hash(rx_key, 0) AS dose_key,
        planned_stop_ts
    FROM orders
    WHERE freq_cd = 'ONCE'
    UNION ALL
    SELECT
        rx_id,
        case_no,
        drug_cd,
        moment(day, minute + whole('dose minute', hash(rx_key, day, minute), 30)) AS given_ts,
        hash(rx_key, day, minute) AS dose_key,
        planned_stop_ts
    FROM (
        SELECT *, unnest(minutes) AS minute
        FROM (
            SELECT
                orders.*,
                unnest(range(start_ts::DATE - DATE '2025-01-01', planned_stop_ts::DATE - DATE '2025-01-01' + 1)) AS day
            FROM orders
        )
        INNER JOIN rounds USING (freq_cd)
    )
    WHERE given_ts > start_ts
)
SELECT
    * EXCLUDE (planned_stop_ts),
    CASE
        WHEN unit('refused', dose_key) < 0.025 THEN 'REFUSED'
        WHEN unit('refused', dose_key) < 0.040 THEN 'WASTED'
        ELSE 'GIVEN'
    END AS status_cd
FROM planned
WHERE given_ts < planned_stop_ts AND given_ts < today();

-- A nurse of the ward who worked that shift gives the dose; what is left of an opened ampoule or vial is waste.
CREATE TABLE ehr.administration AS
WITH placed AS (
    SELECT
        doses.*,
        ward_no,
        CASE WHEN hour(given_ts) < 6 THEN -1 ELSE 0 END + (given_ts::DATE - DATE '2025-01-01') AS day,
        CASE
            WHEN hour(given_ts) BETWEEN 6 AND 13 THEN 'D'
            WHEN hour(given_ts) BETWEEN 14 AND 21 THEN 'E'
            ELSE 'N'
        END AS shift_cd
    FROM doses
    INNER JOIN adt.bed_movement AS movement
        ON
            movement.case_no = doses.case_no
            AND start_ts <= given_ts
            AND (end_ts > given_ts OR end_ts IS NULL)
    INNER JOIN wards USING (ward_cd)
),
shifts AS (
    SELECT ward_no, day, shift_cd, max(nurses_present) AS present FROM worked GROUP BY ALL
)
SELECT
    row_number() OVER (ORDER BY given_ts, rx_id) AS evt_id,
    rx_id,
    given_ts,
    CASE WHEN status_cd = 'GIVEN' THEN units_per_dose ELSE 0 END::DECIMAL(12, 3) AS qty,
    CASE
        WHEN status_cd = 'WASTED' THEN CASE pricing_unit WHEN 'EA' THEN ceil(units_per_dose) ELSE units_per_dose END
        WHEN status_cd = 'GIVEN' AND pricing_unit = 'EA' THEN ceil(units_per_dose) - units_per_dose
        ELSE 0
    END::DECIMAL(12, 3) AS waste_qty,
    status_cd,
    staff_no AS nurse_no
FROM placed
INNER JOIN drugs USING (drug_cd)
INNER JOIN shifts USING (ward_no, day, shift_cd)
INNER JOIN worked
    ON
        worked.ward_no = placed.ward_no
        AND worked.day = placed.day
        AND worked.shift_cd = placed.shift_cd
        AND worked.nth = whole('nurse', dose_key, present);
