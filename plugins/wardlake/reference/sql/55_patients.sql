-- A person's culture decides the script of the name; the Latin form is what the vendor's screens can show.
CREATE TABLE name_parts AS
SELECT culture, part, latin, native, row_number() OVER (PARTITION BY culture, part ORDER BY latin) - 1 AS place
FROM names;

CREATE TABLE name_counts AS
SELECT
    culture,
    count(*) FILTER (part = 'FAM') AS families,
    count(*) FILTER (part = 'F') AS women,
    count(*) FILTER (part = 'M') AS men
FROM names
GROUP BY culture;

CREATE TABLE culture_places AS
SELECT
    culture,
    is_family_first,
    separator,
    unnest(range(
        round(100 * (sum(share) OVER earlier - share))::BIGINT, round(100 * sum(share) OVER earlier)::BIGINT
    )) AS place
FROM cultures
WINDOW earlier AS (ORDER BY culture);

CREATE TABLE adt.pat_master AS
WITH persons AS (
    SELECT rec_id, ward_type, min_age, max_age, is_baby
    FROM slots
    INNER JOIN lines USING (line)
),
firsts AS (
    SELECT rec_id, min(adm_ts) AS first_ts FROM all_stays WHERE adm_ts < today() GROUP BY rec_id
),
drawn AS (
    SELECT
        *,
        CASE
            WHEN unit('sex', rec_id) < 0.003 AND ward_type <> 'MAT' THEN 'X'
            WHEN ward_type = 'MAT' AND NOT is_baby THEN 'F'
            WHEN unit('sex', rec_id) < 0.5 THEN 'F'
            ELSE 'M'
        END AS sex_cd,
        CASE
            WHEN is_baby THEN coalesce(first_ts::DATE, DATE '2024-06-01')
            WHEN ward_type = 'PED'
                THEN DATE '2024-09-01' - (365.25 * 17 * pow(unit('age', rec_id), 1.4))::INTEGER
            ELSE DATE '2024-09-01' - (365.25 * (min_age + (max_age - min_age) * pow(unit('age', rec_id), 0.6)))::INTEGER
        END AS dob
    FROM persons
    LEFT JOIN firsts USING (rec_id)
),
named AS (
    SELECT
        drawn.*,
        culture,
        is_family_first,
        separator,
        CASE WHEN sex_cd = 'M' THEN 'M' ELSE 'F' END AS given_part,
        whole('family', rec_id, families) AS family_place,
        whole('given', rec_id, CASE WHEN sex_cd = 'M' THEN men ELSE women END) AS given_place,
        whole('city', rec_id, (SELECT count(*) FROM cities)) + 1 AS city_no,
        whole('street', rec_id, (SELECT count(*) FROM streets)) + 1 AS street_no
    FROM drawn
    INNER JOIN culture_places ON place = whole('culture', rec_id, 100)
    INNER JOIN name_counts USING (culture)
)
SELECT
    rec_id,
    'M' || printf('%08d', rec_id) AS mrn,
    family.latin AS fam_nm,
    given.latin AS giv_nm,
    CASE
        WHEN is_family_first THEN family.native || separator || given.native
        ELSE given.native || separator || family.native
    END AS native_nm,
    sex_cd,
    dob,
    phone_prefix || ' ' || printf('%03d', whole('phone', rec_id, 1000)) AS phone,
    street || ' ' || (1 + whole('house', rec_id, 140)) AS addr_line,
    city,
    CASE
        WHEN first_ts IS NOT NULL AND is_baby THEN first_ts
        WHEN first_ts IS NOT NULL AND unit('registered', rec_id) < 0.5 THEN wall_clock(first_ts - to_minutes(15))
        ELSE greatest(dob, DATE '2012-01-01')
            + to_days((unit('reg day', rec_id) * (DATE '2024-10-01' - greatest(dob, DATE '2012-01-01')))::INTEGER)
            + to_minutes(420 + whole('reg minute', rec_id, 600))
    END AS reg_ts
FROM named
INNER JOIN name_parts AS family
    ON family.culture = named.culture AND family.part = 'FAM' AND family.place = family_place
INNER JOIN name_parts AS given
    ON given.culture = named.culture AND given.part = given_part AND given.place = given_place
INNER JOIN cities ON cities.line_no = city_no
INNER JOIN streets ON streets.line_no = street_no
ORDER BY rec_id;
