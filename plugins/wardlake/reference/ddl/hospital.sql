CREATE SCHEMA adt;
CREATE SCHEMA ehr;
CREATE SCHEMA hr;
COMMENT ON SCHEMA adt IS 'Patient administration: registration, beds, admissions. Times are local, without a zone.';
COMMENT ON SCHEMA ehr IS 'Clinical documentation: diagnoses, results, drugs.';
COMMENT ON SCHEMA hr IS 'Staff, rosters and time clock.';

CREATE TABLE adt.pat_master (
    rec_id bigint, mrn text, fam_nm text, giv_nm text, native_nm text, sex_cd text, dob date, phone text,
    addr_line text, city text, reg_ts timestamp
);
COMMENT ON TABLE adt.pat_master IS 'One row for each registration; mrn should be unique, but is not enforced.';

CREATE TABLE adt.ward (ward_cd text, ward_nm text, ward_type text, floor_no int);
COMMENT ON COLUMN adt.ward.ward_type IS 'ICU, MED, SUR, PED, MAT, GER';

CREATE TABLE adt.bed (bed_no text, ward_cd text, bed_type text);

CREATE TABLE adt.bed_status (
    status_id bigint, bed_no text, status_cd text, reason_txt text, valid_from timestamp, valid_to timestamp
);
COMMENT ON COLUMN adt.bed_status.status_cd IS 'OPEN, CLOSED, CLEANING; an occupied bed is OPEN';
COMMENT ON COLUMN adt.bed_status.valid_to IS 'exclusive; NULL: present state';

CREATE TABLE adt.admission (
    adm_no bigint, case_no text, mrn text, adm_ts timestamp, dis_ts timestamp, adm_type_cd text, dis_disp_cd text,
    attending_no text, death_ts timestamp, age_at_adm int
);
COMMENT ON COLUMN adt.admission.adm_no IS 'message number; case_no is the business key';
COMMENT ON COLUMN adt.admission.adm_type_cd IS 'EMERGENCY, ELECTIVE, URGENT, NEWBORN';
COMMENT ON COLUMN adt.admission.dis_disp_cd IS 'HOME, TRANSFER, AMA, DIED, REHAB; NULL: still in the house';

CREATE TABLE adt.bed_movement (
    mv_id bigint, case_no text, bed_no text, ward_cd text, mv_cd text, start_ts timestamp, end_ts timestamp
);
COMMENT ON COLUMN adt.bed_movement.mv_cd IS 'ADMIT, TRANSFER';

CREATE TABLE ehr.diagnosis (dx_id bigint, case_no text, seq_no int, icd10_cd text, dx_txt text);
COMMENT ON COLUMN ehr.diagnosis.seq_no IS '1: principal diagnosis';

CREATE TABLE ehr.exam_result (
    res_id bigint, case_no text, exam_cd text, exam_nm text, taken_ts timestamp, value_txt text,
    value_num numeric(14, 4), unit_cd text
);
COMMENT ON COLUMN ehr.exam_result.value_num IS 'NULL if the result is a word';

CREATE TABLE ehr.drug (
    drug_cd text, drug_nm text, generic_nm text, atc_cd text, form_cd text, strength_txt text, pricing_unit text,
    usage_txt text
);

CREATE TABLE ehr.prescription (
    rx_id bigint, case_no text, drug_cd text, prescriber_no text, ordered_ts timestamp, dose_txt text, dose_unit text,
    freq_cd text, route_cd text, start_ts timestamp, stop_ts timestamp, sig_txt text
);
COMMENT ON COLUMN ehr.prescription.dose_txt IS 'single dose in dose_unit, as typed';

CREATE TABLE ehr.administration (
    evt_id bigint, rx_id bigint, given_ts timestamp, qty numeric(12, 3), waste_qty numeric(12, 3), status_cd text,
    nurse_no text
);
COMMENT ON COLUMN ehr.administration.qty IS 'in pricing units of the drug';
COMMENT ON COLUMN ehr.administration.status_cd IS 'GIVEN, REFUSED, WASTED';

CREATE TABLE hr.staff (
    staff_no text, staff_kind text, fam_nm text, giv_nm text, title_txt text, specialty_txt text, grade_cd text,
    experience_years int, hire_dt date, contract_cd text, home_ward_cd text
);
COMMENT ON COLUMN hr.staff.staff_kind IS 'DOC, NUR';
COMMENT ON COLUMN hr.staff.grade_cd IS 'RN, LPN, UAP; nurses only';
COMMENT ON COLUMN hr.staff.contract_cd IS 'PERM, AGENCY';

CREATE TABLE hr.roster (
    roster_id bigint, staff_no text, ward_cd text, shift_dt date, shift_cd text, plan_start timestamp,
    plan_end timestamp
);
COMMENT ON TABLE hr.roster IS 'planned shifts: D 06-14, E 14-22, N 22-06 of the next day';

CREATE TABLE hr.timeclock (
    clock_id bigint, roster_id bigint, staff_no text, ward_cd text, shift_dt date, shift_cd text, clock_in timestamp,
    clock_out timestamp, break_min int, pay_cd text, absence_cd text
);
COMMENT ON COLUMN hr.timeclock.roster_id IS 'NULL for somebody who stepped in';
COMMENT ON COLUMN hr.timeclock.pay_cd IS 'REG, OT, AGY';
COMMENT ON COLUMN hr.timeclock.absence_cd IS 'SICK, PTO, EDU; the clock columns are then NULL';
