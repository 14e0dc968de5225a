INSERT INTO hr.staff
WITH nurses AS (
    SELECT
        'N' || printf('%07d', unnest(range(nurses_before + 1, nurses_before + nurses + 1))) AS staff_no,
        'PERM' AS contract_cd,
        ward_cd
    FROM wards
    UNION ALL
    SELECT DISTINCT staff_no, 'AGENCY', ward_cd
    FROM replacements
    INNER JOIN wards USING (ward_no)
    WHERE pay_cd = 'AGY'
),
drawn AS (
    SELECT
        nurses.*,
        culture,
        floor(38 * pow(unit('nurse years', staff_no), 1.3))::INTEGER AS experience_years,
        CASE WHEN unit('nurse sex', staff_no) < 0.82 THEN 'F' ELSE 'M' END AS given_part,
        whole('nurse family', staff_no, families) AS family_place,
        whole('nurse given', staff_no, CASE WHEN unit('nurse sex', staff_no) < 0.82 THEN women ELSE men END)
            AS given_place,
        unit('grade', staff_no) AS grade
    FROM nurses
    INNER JOIN culture_places ON place = whole('nurse culture', staff_no, 100)
    INNER JOIN name_counts USING (culture)
)
SELECT
    staff_no,
    'NUR',
    family.latin,
    given.latin,
    CASE WHEN experience_years >= 15 AND grade < 0.08 THEN 'Ward sister' END,
    NULL,
    CASE WHEN grade < 0.70 THEN 'RN' WHEN grade < 0.88 THEN 'LPN' ELSE 'UAP' END,
    experience_years,
    DATE '2024-12-01' - (365.25 * experience_years * unit('nurse hired', staff_no))::INTEGER,
    contract_cd,
    ward_cd
FROM drawn
INNER JOIN name_parts AS family
    ON family.culture = drawn.culture AND family.part = 'FAM' AND family.place = family_place
INNER JOIN name_parts AS given
    ON given.culture = drawn.culture AND given.part = given_part AND given.place = given_place
ORDER BY staff_no;
