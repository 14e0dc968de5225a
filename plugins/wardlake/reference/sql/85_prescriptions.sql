CREATE TABLE drugs AS
SELECT
    'R' || printf('%04d', 1000 + drug_list.line_no) AS drug_cd,
    drug_list.*,
    usage_txt,
    generic_nm || ' ' || strength_txt || ' ' || form_cd AS drug_nm
FROM drug_list
INNER JOIN usages USING (usage_cd);

CREATE TABLE ehr.drug AS
SELECT drug_cd, drug_nm, generic_nm, atc_cd, form_cd, strength_txt, pricing_unit, usage_txt
FROM drugs
ORDER BY drug_cd;

CREATE TABLE drug_places AS
SELECT
    drug_cd,
    unnest(range(
        round(2 * (sum(weight) OVER earlier - weight))::BIGINT, round(2 * sum(weight) OVER earlier)::BIGINT
    )) AS place
FROM drugs
WINDOW earlier AS (ORDER BY drug_cd);

-- Up to six orders for a stay, each drug once; one stay in ten in internal medicine gets the biologic.
CREATE TABLE orders AS
WITH wished AS (
    SELECT
        stays.*,
        unnest(range(0, 1 + whole('orders', id, 5) + (dis_day - adm_day > 9)::INTEGER))::BIGINT AS nth
    FROM stays
),
drawn AS (
    SELECT *, whole('drug', hash(id, nth), (SELECT count(*) FROM drug_places)) AS place FROM wished
),
picked AS (
    SELECT
        drawn.* EXCLUDE (place),
        drug_cd
    FROM drawn
    INNER JOIN drug_places USING (place)
    QUALIFY row_number() OVER (PARTITION BY case_no, drug_cd ORDER BY nth) = 1
    UNION ALL
    SELECT *, 9 AS nth, (SELECT drug_cd FROM drugs WHERE usage_cd = 'biologic')
    FROM stays
    WHERE ward_type = 'MED' AND unit('biologic', id) < 0.1
),
placed AS (
    SELECT
        *,
        hash(id, nth) AS rx_key,
        greatest(adm_ts, TIMESTAMP '2025-01-01')
        + to_days((whole('order day', hash(id, nth), greatest(1, least(dis_day - greatest(adm_day, 0), 6))))::INTEGER)
        + to_minutes(30 + whole('order minute', hash(id, nth), 60)) AS raw_start_ts
    FROM picked
)
SELECT
    row_number() OVER (ORDER BY raw_start_ts, case_no, nth) AS rx_id,
    placed.* EXCLUDE (raw_start_ts),
    freq_cd,
    wall_clock(raw_start_ts) AS start_ts,
    least(care_end_ts, wall_clock(raw_start_ts + to_days(course_days::INTEGER))) AS planned_stop_ts
FROM placed
INNER JOIN drugs USING (drug_cd)
WHERE wall_clock(raw_start_ts) < least(care_end_ts, today());

CREATE TABLE ehr.prescription AS
SELECT
    rx_id,
    orders.case_no,
    orders.drug_cd,
    CASE
        WHEN unit('prescriber', rx_key) < 0.6 THEN attending_no
        ELSE doctor_of('other prescriber', rx_key, beds_before, beds)
    END AS prescriber_no,
    greatest(orders.adm_ts, wall_clock(orders.start_ts - to_minutes(whole('ordered', rx_key, 25)))) AS ordered_ts,
    dose_txt,
    dose_unit,
    orders.freq_cd,
    route_cd,
    orders.start_ts,
    CASE WHEN planned_stop_ts < today() THEN planned_stop_ts END AS stop_ts,
    dose_txt || ' ' || dose_unit || ' '
    || CASE route_cd
        WHEN 'PO' THEN 'by mouth'
        WHEN 'IV' THEN 'into a vein'
        WHEN 'SC' THEN 'under the skin'
        WHEN 'IM' THEN 'into the muscle'
        WHEN 'INH' THEN 'by inhalation'
        WHEN 'PR' THEN 'rectally'
        ELSE 'on the skin or eye'
    END
    || CASE orders.freq_cd
        WHEN 'ONCE' THEN ' once'
        WHEN 'OD' THEN ' once a day'
        WHEN 'BID' THEN ' twice a day'
        WHEN 'TID' THEN ' three times a day'
        ELSE ' four times a day'
    END
    || '. ' || usage_txt AS sig_txt
FROM orders
INNER JOIN drugs USING (drug_cd)
INNER JOIN adt.admission USING (case_no)
INNER JOIN adt.bed_movement AS movement ON movement.case_no = orders.case_no AND mv_cd = 'ADMIT'
INNER JOIN wards USING (ward_cd);
