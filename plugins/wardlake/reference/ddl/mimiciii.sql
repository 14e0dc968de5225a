CREATE SCHEMA mimiciii;
COMMENT ON SCHEMA mimiciii IS 'MIMIC-III Clinical Database Demo 1.4, PhysioNet, Open Database License 1.0';

CREATE TABLE mimiciii.patients (
    row_id bigint, subject_id bigint PRIMARY KEY, gender text, dob timestamp, dod timestamp, dod_hosp timestamp,
    dod_ssn timestamp, expire_flag integer
);

CREATE TABLE mimiciii.admissions (
    row_id bigint, subject_id bigint, hadm_id bigint PRIMARY KEY, admittime timestamp, dischtime timestamp,
    deathtime timestamp, admission_type text, admission_location text, discharge_location text, insurance text,
    language text, religion text, marital_status text, ethnicity text, edregtime timestamp, edouttime timestamp,
    diagnosis text, hospital_expire_flag integer, has_chartevents_data integer
);

CREATE TABLE mimiciii.transfers (
    row_id bigint PRIMARY KEY, subject_id bigint, hadm_id bigint, icustay_id bigint, dbsource text, eventtype text,
    prev_careunit text, curr_careunit text, prev_wardid bigint, curr_wardid bigint, intime timestamp,
    outtime timestamp, los numeric(12, 4)
);

CREATE TABLE mimiciii.icustays (
    row_id bigint, subject_id bigint, hadm_id bigint, icustay_id bigint PRIMARY KEY, dbsource text,
    first_careunit text, last_careunit text, first_wardid bigint, last_wardid bigint, intime timestamp,
    outtime timestamp, los numeric(12, 4)
);

CREATE TABLE mimiciii.services (
    row_id bigint PRIMARY KEY, subject_id bigint, hadm_id bigint, transfertime timestamp, prev_service text,
    curr_service text
);

CREATE TABLE mimiciii.caregivers (
    row_id bigint, cgid bigint PRIMARY KEY, label text, description text
);

CREATE TABLE mimiciii.prescriptions (
    row_id bigint PRIMARY KEY, subject_id bigint, hadm_id bigint, icustay_id bigint, startdate timestamp,
    enddate timestamp, drug_type text, drug text, drug_name_poe text, drug_name_generic text, formulary_drug_cd text,
    gsn text, ndc text, prod_strength text, dose_val_rx text, dose_unit_rx text, form_val_disp text,
    form_unit_disp text, route text
);

CREATE TABLE mimiciii.diagnoses_icd (
    row_id bigint PRIMARY KEY, subject_id bigint, hadm_id bigint, seq_num integer, icd9_code text
);

CREATE TABLE mimiciii.procedures_icd (
    row_id bigint PRIMARY KEY, subject_id bigint, hadm_id bigint, seq_num integer, icd9_code text
);

CREATE TABLE mimiciii.drgcodes (
    row_id bigint PRIMARY KEY, subject_id bigint, hadm_id bigint, drg_type text, drg_code text, description text,
    drg_severity integer, drg_mortality integer
);

CREATE TABLE mimiciii.labevents (
    row_id bigint PRIMARY KEY, subject_id bigint, hadm_id bigint, itemid bigint, charttime timestamp, value text,
    valuenum numeric(20, 6), valueuom text, flag text
);

CREATE TABLE mimiciii.d_icd_diagnoses (
    row_id bigint, icd9_code text PRIMARY KEY, short_title text, long_title text
);

CREATE TABLE mimiciii.d_icd_procedures (
    row_id bigint, icd9_code text PRIMARY KEY, short_title text, long_title text
);

CREATE TABLE mimiciii.d_labitems (
    row_id bigint, itemid bigint PRIMARY KEY, label text, fluid text, category text, loinc_code text
);
