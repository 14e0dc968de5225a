-- The lists that the hospital is made of: wards, names, codes, drugs. line_no is the order in the file.
CREATE TABLE ward_types AS
SELECT row_number() OVER () AS line_no, * FROM read_csv(getvariable('lists') || '/ward_types.csv', header = true);

CREATE TABLE names AS
SELECT row_number() OVER () AS line_no, * FROM read_csv(getvariable('lists') || '/names.csv', header = true);

CREATE TABLE cultures AS
SELECT row_number() OVER () AS line_no, * FROM read_csv(getvariable('lists') || '/cultures.csv', header = true);

CREATE TABLE cities AS
SELECT row_number() OVER () AS line_no, * FROM read_csv(getvariable('lists') || '/cities.csv', header = true);

CREATE TABLE streets AS
SELECT row_number() OVER () AS line_no, * FROM read_csv(getvariable('lists') || '/streets.csv', header = true);

CREATE TABLE specialties AS
SELECT row_number() OVER () AS line_no, * FROM read_csv(getvariable('lists') || '/specialties.csv', header = true);

CREATE TABLE diagnosis_codes AS
SELECT row_number() OVER () AS line_no, * FROM read_csv(getvariable('lists') || '/diagnoses.csv', header = true);

CREATE TABLE exams AS
SELECT row_number() OVER () AS line_no, * FROM read_csv(getvariable('lists') || '/exams.csv', header = true);

CREATE TABLE usages AS
SELECT row_number() OVER () AS line_no, * FROM read_csv(getvariable('lists') || '/usages.csv', header = true);

CREATE TABLE drug_list AS
SELECT row_number() OVER () AS line_no, *
FROM read_csv(getvariable('lists') || '/drugs.csv', header = true, types = {'dose_txt': 'VARCHAR'});

-- From here on nothing depends on the order in which rows are stored, which saves memory.
SET preserve_insertion_order = false;
