-- The dirty rows of planted.py, as rows of their own: without them the hospital is clean.
INSERT INTO adt.pat_master
SELECT 9000000000 + rec_id, mrn, upper(fam_nm), giv_nm || '.', native_nm, sex_cd, dob, phone, addr_line, city, reg_ts
FROM adt.pat_master
WHERE rec_id <= 3;

INSERT INTO adt.admission
WITH sent_again AS (
    SELECT *, row_number() OVER (ORDER BY adm_no) AS nth FROM adt.admission WHERE dis_ts IS NOT NULL
)
SELECT 9000000000 + nth, * EXCLUDE (adm_no, nth) FROM sent_again WHERE nth <= 2
UNION ALL
SELECT
    dirty.adm_no, 'C' || dirty.adm_no, 'M' || printf('%08d', dirty.rec_id), dirty.adm_ts, dirty.dis_ts, 'EMERGENCY',
    'HOME', attending_no, NULL, coalesce(dirty.age_at_adm, date_sub('year', dob, dirty.adm_ts::DATE))::INTEGER
FROM (
    VALUES
    (9000000003, 4, TIMESTAMP '2025-05-12 14:20', TIMESTAMP '2025-05-11 09:40', NULL),
    (9000000004, 5, TIMESTAMP '2025-09-02 08:05', TIMESTAMP '2025-08-30 11:15', NULL),
    (9000000005, 6, TIMESTAMP '2025-03-17 19:45', TIMESTAMP '2025-03-21 10:30', -1),
    (9000000006, 7, TIMESTAMP '2025-10-08 03:10', TIMESTAMP '2025-10-12 12:00', -2)
) AS dirty (adm_no, rec_id, adm_ts, dis_ts, age_at_adm)
INNER JOIN sent_again ON nth = 1
INNER JOIN adt.pat_master ON pat_master.rec_id = dirty.rec_id;

-- A stop in a discharge lounge that is no ward, between the bed and the way home.
INSERT INTO adt.bed_movement
SELECT 9000000000 + nth, case_no, bed_no, 'LOUNGE', 'TRANSFER', end_ts, end_ts + INTERVAL 20 MINUTES
FROM (
    SELECT *, row_number() OVER (ORDER BY end_ts, mv_id) AS nth
    FROM adt.bed_movement
    SEMI JOIN adt.admission ON admission.case_no = bed_movement.case_no AND dis_ts = end_ts AND dis_disp_cd = 'HOME'
)
WHERE nth IN (3, 4);

INSERT INTO ehr.prescription
SELECT * EXCLUDE (nth) REPLACE (
    9000000000 + nth AS rx_id,
    CASE nth WHEN 1 THEN '800-1700' ELSE '500-1000' END AS dose_txt,
    CASE nth WHEN 1 THEN '800-1700' ELSE '500-1000' END || ' ' || dose_unit || ' as needed' AS sig_txt
)
FROM (
    SELECT *, row_number() OVER (ORDER BY rx_id) AS nth
    FROM ehr.prescription
    WHERE dose_unit = 'mg' AND freq_cd = 'TID' AND stop_ts IS NOT NULL
)
WHERE nth <= 2;

INSERT INTO pharmacy.price
SELECT drug_cd, drug_nm, pricing_unit, 0, DATE '2025-08-15' FROM pharmacy.price
WHERE drug_cd = 'R1002' AND effective_from = DATE '2025-07-01';

INSERT INTO pharmacy.line
SELECT * EXCLUDE (nth) REPLACE (
    (2025089000000 + nth)::VARCHAR AS line_no,
    DATE '2025-08-04' AS date,
    quantity + 1 AS quantity,
    line_no AS corrects
)
FROM (
    SELECT *, row_number() OVER (ORDER BY line_no) AS nth FROM pharmacy.line
    WHERE kind = 'DISPENSE' AND month(date) = 7
)
WHERE nth <= 3;
