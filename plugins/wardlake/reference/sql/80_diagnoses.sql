CREATE SCHEMA ehr;

CREATE TABLE code_list AS
SELECT
    *,
    row_number() OVER (PARTITION BY ward_type ORDER BY line_no) - 1 AS nth,
    count(*) OVER (PARTITION BY ward_type) AS codes
FROM diagnosis_codes;

-- The principal diagnosis comes from the ward's list, early ones more often; the others from a list of common ones.
CREATE TABLE ehr.diagnosis AS
WITH numbered AS (
    SELECT
        case_no,
        id,
        adm_no,
        is_baby,
        ward_type,
        unnest(range(1, 2 + whole('diagnoses', id, 5)))::BIGINT AS seq_no
    FROM stays
),
listed AS (
    SELECT
        *,
        CASE
            WHEN is_baby THEN 'NEWBORN'
            WHEN seq_no = 1 THEN ward_type
            WHEN ward_type = 'PED' THEN 'CHILD'
            ELSE 'ADULT'
        END AS list
    FROM numbered
    WHERE NOT is_baby OR seq_no <= 2
)
SELECT
    row_number() OVER (ORDER BY adm_no, seq_no) AS dx_id,
    case_no,
    seq_no::INTEGER AS seq_no,
    icd10_cd,
    dx_txt
FROM listed
INNER JOIN code_list
    ON
        code_list.ward_type = list
        AND nth = CASE
            WHEN list IN ('ADULT', 'CHILD', 'NEWBORN') THEN (whole('comorbidity', id, codes) + 3 * seq_no) % codes
            ELSE floor(codes * pow(unit('principal', id), 1.7))
        END;
