CREATE SCHEMA hr;

-- Doctors are spread over the beds, so that each ward has its share.
CREATE TABLE hr.staff AS
WITH drawn AS (
    SELECT
        doctor,
        (doctor - 1) % getvariable('beds') + 1 AS line,
        1 + floor(34 * pow(unit('doctor years', doctor), 1.5))::BIGINT AS experience_years
    FROM range(1, getvariable('doctors') + 1) AS doctors (doctor)
),
placed AS (
    SELECT
        drawn.*,
        lines.ward_cd,
        lines.ward_type,
        culture,
        CASE WHEN unit('doctor sex', doctor) < 0.47 THEN 'F' ELSE 'M' END AS given_part,
        whole('doctor family', doctor, families) AS family_place,
        whole('doctor given', doctor, CASE WHEN unit('doctor sex', doctor) < 0.47 THEN women ELSE men END)
            AS given_place,
        whole('specialty', doctor, kinds) AS specialty_place
    FROM drawn
    INNER JOIN lines USING (line)
    INNER JOIN culture_places ON place = whole('doctor culture', doctor, 100)
    INNER JOIN name_counts USING (culture)
    INNER JOIN (SELECT ward_type, count(*) AS kinds FROM specialties GROUP BY ward_type) USING (ward_type)
)
SELECT
    'D' || printf('%07d', doctor) AS staff_no,
    'DOC' AS staff_kind,
    family.latin AS fam_nm,
    given.latin AS giv_nm,
    CASE
        WHEN experience_years >= 20 AND unit('title', doctor) < 0.25 THEN 'Prof. Dr. med.'
        WHEN experience_years >= 12 AND unit('title', doctor) < 0.40 THEN 'PD Dr. med.'
        WHEN unit('title', doctor) < 0.85 THEN 'Dr. med.'
        ELSE 'Dipl.-Med.'
    END AS title_txt,
    specialty_txt,
    NULL::VARCHAR AS grade_cd,
    experience_years::INTEGER AS experience_years,
    DATE '2024-12-01' - (365.25 * experience_years * unit('hired', doctor))::INTEGER AS hire_dt,
    'PERM' AS contract_cd,
    ward_cd AS home_ward_cd
FROM placed
INNER JOIN name_parts AS family
    ON family.culture = placed.culture AND family.part = 'FAM' AND family.place = family_place
INNER JOIN name_parts AS given
    ON given.culture = placed.culture AND given.part = given_part AND given.place = given_place
INNER JOIN (
    SELECT *, row_number() OVER (PARTITION BY ward_type ORDER BY specialty_txt) - 1 AS nth FROM specialties
) AS chosen ON chosen.ward_type = placed.ward_type AND nth = specialty_place
ORDER BY staff_no;

-- A doctor of the ward where the stay begins.
CREATE MACRO doctor_of(stream, id, beds_before, beds) AS
    'D' || printf(
        '%07d',
        beds_before + 1 + whole(stream, id, beds)
        + getvariable('beds') * whole(stream || ' row', id, getvariable('doctors') // getvariable('beds'))
    );

CREATE TABLE adt.admission AS
SELECT
    adm_no,
    stays.case_no,
    mrn,
    adm_ts,
    dis_ts,
    adm_type_cd,
    CASE
        WHEN dis_ts IS NULL THEN NULL
        WHEN death_ts IS NOT NULL THEN 'DIED'
        WHEN unit('disposition', id) < 0.02 THEN 'AMA'
        WHEN unit('disposition', id) < 0.07 THEN 'TRANSFER'
        WHEN unit('disposition', id) < CASE stays.ward_type WHEN 'GER' THEN 0.32 WHEN 'SUR' THEN 0.17 ELSE 0.10 END
            THEN 'REHAB'
        ELSE 'HOME'
    END AS dis_disp_cd,
    doctor_of('attending', id, wards.beds_before, wards.beds) AS attending_no,
    death_ts,
    date_sub('year', dob, adm_ts::DATE)::INTEGER AS age_at_adm
FROM stays
INNER JOIN adt.pat_master USING (mrn)
INNER JOIN adt.bed_movement AS movement ON movement.case_no = stays.case_no AND mv_cd = 'ADMIT'
INNER JOIN wards USING (ward_cd)
ORDER BY adm_no;
