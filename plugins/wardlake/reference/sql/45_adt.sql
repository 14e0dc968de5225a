CREATE SCHEMA adt;

CREATE TABLE adt.ward AS
SELECT ward_cd, ward_nm, ward_type, floor_no::INTEGER AS floor_no
FROM wards
ORDER BY ward_cd;

CREATE TABLE adt.bed AS
SELECT
    bed_no,
    ward_cd,
    CASE ward_type WHEN 'ICU' THEN 'ICU' WHEN 'MAT' THEN 'COT' ELSE 'STANDARD' END AS bed_type
FROM lines
ORDER BY bed_no;

CREATE TABLE stays AS
SELECT
    row_number() OVER (ORDER BY adm_ts, line) AS adm_no,
    'C' || printf('%010d', 2500000000 + row_number() OVER (ORDER BY adm_ts, line)) AS case_no,
    'M' || printf('%08d', rec_id) AS mrn,
    *,
    CASE WHEN planned_dis_ts < today() THEN planned_dis_ts END AS dis_ts
FROM all_stays
WHERE is_visible;

-- Where each stay lay: one row for each bed, cut where the line changed beds.
CREATE TABLE adt.bed_movement AS
SELECT
    row_number() OVER (ORDER BY greatest(adm_ts, from_ts), beds.bed_no) AS mv_id,
    case_no,
    beds.bed_no,
    beds.ward_cd,
    CASE WHEN from_ts <= adm_ts THEN 'ADMIT' ELSE 'TRANSFER' END AS mv_cd,
    greatest(adm_ts, from_ts) AS start_ts,
    CASE WHEN to_ts < coalesce(dis_ts, today()) THEN to_ts ELSE dis_ts END AS end_ts
FROM stays
INNER JOIN line_beds ON line_beds.line = stays.line AND from_ts < planned_dis_ts AND to_ts > adm_ts
INNER JOIN lines AS beds ON beds.line = bed_line;
