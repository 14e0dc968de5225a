"""A hospital of five cases on the days around the spring clock change, calculated by hand."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from pydantic import SecretStr
from tests.dbt_project.conftest import PSEUDONYM_KEY, Row, Warehouse, declared, facts

from wardlake.privacy import pseudonym
from wardlake.settings import PROJECT_ROOT, Settings


def at(text: str) -> datetime:
    """Local wall time 2025-<text>, as the vendor stores it."""
    return datetime.fromisoformat(f"2025-{text}")


def case(number: str, admitted: str, discharged: str | None, **more: object) -> Row:
    return {
        "adm_no": int(number[1:]),
        "case_no": number,
        "mrn": "M1",
        "adm_ts": at(admitted),
        "dis_ts": discharged and at(discharged),
        "adm_type_cd": "EMERGENCY",
        **more,
    }


def movement(number: int, case_no: str, ward: str, start: str, end: str | None) -> Row:
    return {
        "mv_id": number,
        "case_no": case_no,
        "ward_cd": ward,
        "mv_cd": "ADMIT" if number < 10 else "TRANSFER",
        "start_ts": at(start),
        "end_ts": end and at(end),
    }


def bed_state(number: int, bed: str, state: str, start: str, end: str | None) -> Row:
    return {
        "status_id": number,
        "bed_no": bed,
        "status_cd": state,
        "valid_from": at(start),
        "valid_to": end and at(end),
    }


def clocked(number: int, staff: str, ward: str, day: str, start: str | None, end: str | None, **more: object) -> Row:
    return {
        "clock_id": number,
        "staff_no": staff,
        "ward_cd": ward,
        "shift_dt": at(day).date(),
        "shift_cd": "N",
        "clock_in": start and at(start),
        "clock_out": end and at(end),
        "break_min": 0,
        "pay_cd": "REG",
        **more,
    }


CLINICAL: dict[str, list[Row]] = {
    "ward": [{"ward_cd": "W1", "ward_nm": "Medicine", "ward_type": "MED"}, {"ward_cd": "W2", "ward_type": "ICU"}],
    "bed": [{"bed_no": "B1", "ward_cd": "W1"}, {"bed_no": "B2", "ward_cd": "W1"}, {"bed_no": "B3", "ward_cd": "W2"}],
    "bed_status": [
        bed_state(1, "B1", "OPEN", "03-01 00:00", None),
        bed_state(2, "B2", "OPEN", "03-01 00:00", "03-30 12:00"),
        bed_state(3, "B2", "CLOSED", "03-30 12:00", None),
        bed_state(4, "B3", "OPEN", "03-01 00:00", "03-29 23:00"),
        bed_state(5, "B3", "CLEANING", "03-29 23:00", "03-30 01:00"),
        bed_state(6, "B3", "OPEN", "03-30 01:00", None),
    ],
    "pat_master": [{"rec_id": 1, "mrn": "M1", "fam_nm": "Muster", "sex_cd": "X", "dob": date(1980, 1, 1)}],
    "admission": [
        case("C1", "03-29 23:59:59", "03-30 00:00:00", dis_disp_cd="HOME", age_at_adm=17),
        case("C2", "03-30 08:00", "03-30 17:00", dis_disp_cd="DIED", age_at_adm=18),
        case("C3", "03-30 02:30", None, age_at_adm=80),
        case("C4", "03-31 08:00", "03-30 08:00", dis_disp_cd="HOME", age_at_adm=-1),
        case("C5", "03-29 10:00", "03-31 09:00", dis_disp_cd="HOME", age_at_adm=64),
    ],
    "bed_movement": [
        movement(1, "C1", "W1", "03-29 23:59:59", "03-30 00:00:00"),
        movement(2, "C2", "W1", "03-30 08:00", "03-30 17:00"),
        movement(3, "C3", "W1", "03-30 02:30", None),
        movement(5, "C5", "W1", "03-29 10:00", "03-30 00:00"),
        movement(15, "C5", "W2", "03-30 00:00", "03-31 09:00"),
    ],
    "diagnosis": [
        {"dx_id": 1, "case_no": "C5", "seq_no": 2, "icd10_cd": "I10"},
        {"dx_id": 2, "case_no": "C5", "seq_no": 1, "icd10_cd": "J18.9"},
    ],
    "drug": [{"drug_cd": "D1", "drug_nm": "Paracetamol 500", "pricing_unit": "EA"}],
    "prescription": [{"rx_id": 1, "case_no": "C5", "drug_cd": "D1", "dose_txt": "800-1700", "ordered_ts": at("03-29")}],
    "administration": [
        {"evt_id": 1, "rx_id": 1, "given_ts": at("03-29 12:00"), "qty": 4, "waste_qty": 1, "status_cd": "GIVEN"},
        {"evt_id": 2, "rx_id": 1, "given_ts": at("03-30 12:00"), "qty": 0, "waste_qty": 0, "status_cd": "REFUSED"},
    ],
    "staff": [
        {"staff_no": "N1", "staff_kind": "NUR", "grade_cd": "RN", "contract_cd": "PERM", "home_ward_cd": "W1"},
        {"staff_no": "N2", "staff_kind": "NUR", "grade_cd": "UAP", "contract_cd": "PERM", "home_ward_cd": "W1"},
        {"staff_no": "N3", "staff_kind": "NUR", "grade_cd": "LPN", "contract_cd": "AGENCY"},
    ],
    "roster": [
        {
            "roster_id": 1,
            "staff_no": "N1",
            "ward_cd": "W1",
            "shift_dt": date(2025, 3, 29),
            "shift_cd": "N",
            "plan_start": at("03-29 22:00"),
            "plan_end": at("03-30 06:00"),
        }
    ],
    "timeclock": [
        # eight hours on the wall clock, seven in this night
        clocked(1, "N1", "W1", "03-29", "03-29 22:00", "03-30 06:00", break_min=30, roster_id=1),
        clocked(2, "N2", "W1", "03-29", "03-29 06:00", "03-29 14:00"),
        clocked(3, "N2", "W1", "03-30", None, None, absence_cd="SICK"),
        clocked(4, "N3", "W2", "03-31", "03-31 06:00", "03-31 10:00", pay_cd="AGY"),
    ],
}


def line(number: int, day: str, quantity: str, kind: str, price: str | None = "2.50", corrects: str = "") -> Row:
    return {
        "Line No": str(number),
        "Date": f"2025-{day}",
        "Case No": "C5",
        "Drug Code": "D1",
        "Quantity": quantity,
        "Kind": kind,
        "Unit Price": price,
        "Corrects": corrects,
        "_file": "dispensing_202503.csv",
    }


def price(price_list: str, start: str, unit_price: str) -> Row:
    return {
        "Drug Code": "D1",
        "Pricing Unit": "EA",
        "Currency": "EUR",
        "Effective From": start,
        "Unit Price": unit_price,
        "_file": price_list,
    }


PHARMACY: dict[str, list[Row]] = {
    "dispensing": [
        line(1, "03-29", "10", "DISPENSE"),
        line(2, "03-30", "-2", "RETURN"),
        line(3, "03-30", "100", "DISPENSE"),
        line(4, "03-31", "10", "DISPENSE", corrects="3"),
        line(5, "03-31", "1", "DISPENSE", price=None),
        line(6, "03-31", "many", "DISPENSE"),
    ],
    "price_list": [
        price("price_list_202501.xlsx", "2025-01-01", "2.0000"),
        # the next list repeats the price, then corrects what the former said of March
        price("price_list_202501.xlsx", "2025-03-01", "9.9900"),
        price("price_list_202504.xlsx", "2025-03-01", "3.0000"),
        price("price_list_202504.xlsx", "2025-04-01", "3.0000"),
        price("price_list_202504.xlsx", "2025-05-01", "2.7000"),
    ],
}


@pytest.fixture(scope="module")
def hospital(warehouse: Warehouse) -> Warehouse:
    clinical, pharmacy = declared("reference"), declared("reference_pharmacy")
    warehouse.expose(clinical, CLINICAL)
    warehouse.expose(pharmacy, PHARMACY)
    warehouse.build({source.name: facts(source) for source in (clinical, pharmacy)}, with_unit_tests=True)
    return warehouse


def key(case_no: str) -> str:
    settings = Settings(project_root=PROJECT_ROOT, pseudonym_key=SecretStr(PSEUDONYM_KEY))
    return str(pseudonym(settings, f"reference:{case_no}"))


def test_two_systems_of_one_hospital_are_one_facility(hospital: Warehouse) -> None:
    found = hospital.query("select facility_id, timezone, currency_code from silver.facilities")
    assert found == [("reference", "Europe/Berlin", "EUR")]


def test_length_of_stay_by_both_definitions(hospital: Warehouse) -> None:
    found = hospital.query(
        """select encounter_key, length_of_stay_days_raw, length_of_stay_days, inpatient_days,
        is_length_of_stay_inconsistent, is_open, is_death_in_hospital, age_group_code from gold.encounter_facts"""
    )
    assert {row[0]: row[1:] for row in found} == {
        key("C1"): (1, 1, 1, False, False, False, "0-17"),
        key("C2"): (0, 0, 1, False, False, True, "18-39"),
        key("C3"): (None, None, None, False, True, None, "80+"),
        key("C4"): (-1, None, None, True, False, False, None),
        key("C5"): (2, 2, 2, False, False, False, "40-64"),
    }


def test_principal_diagnosis_is_the_one_of_lowest_rank(hospital: Warehouse) -> None:
    found = hospital.query(
        "select principal_diagnosis_code from gold.encounter_facts where principal_diagnosis_code is not null"
    )
    assert found == [("J18.9",)]


def test_census_counts_patients_and_open_beds_at_local_midnight(hospital: Warehouse) -> None:
    found = hospital.query(
        """select ward_id, day(census_date), midnight_census, days_present, staffed_beds, available_beds,
        bed_occupancy_rate from gold.daily_census order by all"""
    )
    assert found == [
        ("reference:W1", 29, 2, 2, 2, 2, Decimal("100.00")),
        ("reference:W1", 30, 1, 2, 1, 1, Decimal("100.00")),
        ("reference:W1", 31, 1, 1, 1, 1, Decimal("100.00")),
        ("reference:W2", 29, 0, 0, 1, 0, None),
        ("reference:W2", 30, 1, 1, 1, 1, Decimal("100.00")),
        ("reference:W2", 31, 0, 1, 1, 1, Decimal("0.00")),
    ]


def test_census_now_is_that_of_the_last_movement(hospital: Warehouse) -> None:
    found = hospital.query(
        """select ward_id, as_of_at at time zone 'Europe/Berlin', patients_in_ward, available_beds, free_beds
        from gold.current_census order by all"""
    )
    assert found == [("reference:W1", at("03-31 09:00"), 1, 1, 0), ("reference:W2", at("03-31 09:00"), 0, 1, 1)]


def test_stays_of_one_patient_that_overlap_are_no_readmissions(hospital: Warehouse) -> None:
    found = hospital.query(
        "select encounter_key, readmission_exclusion_code, is_overlapping, age_band_code from gold.encounter_facts"
    )
    assert {row[0]: row[1:] for row in found} == {
        key("C1"): ("WITHIN_ANOTHER_STAY", True, "10-19"),
        key("C2"): ("DIED", True, "10-19"),
        key("C3"): ("OPEN", True, "80-89"),
        key("C4"): ("INCONSISTENT_DATES", True, None),
        key("C5"): ("TRANSFERRED", True, "60-69"),
    }
    patients = hospital.query("select inpatient_stays, total_inpatient_days, is_in_hospital from gold.patient_summary")
    assert patients == [(5, 4, True)]


def test_tables_for_wide_reading_tell_no_small_count(hospital: Warehouse) -> None:
    months = hospital.query("select admissions, discharges, is_suppressed from gold.monthly_patient_metrics_wide")
    assert months == [(None, None, True)]
    wards = hospital.query("select midnight_census, days_present, is_suppressed from gold.daily_census_wide")
    # the empty ward is hidden as well: of two wards, one alone could be calculated back
    assert wards == [(None, None, True)] * 6


def test_monthly_rates_are_sum_over_sum(hospital: Warehouse) -> None:
    found = hospital.query(
        """select admissions, discharges, deaths_in_hospital, total_length_of_stay_days, average_length_of_stay,
        occupied_bed_days, available_bed_days, bed_occupancy_rate, average_daily_census
        from gold.monthly_patient_metrics"""
    )
    assert found == [(5, 4, 1, 3, Decimal("1.00"), 5, 6, Decimal("83.33"), Decimal("1.67"))]
    turnover = hospital.query(
        """select average_available_beds, bed_turnover_rate, empty_bed_days, turnover_interval_days, is_provisional,
        index_admissions, readmission_30d_all_cause_rate from gold.monthly_patient_metrics"""
    )
    assert turnover == [(Decimal(2), Decimal(2), 1, Decimal("0.25"), True, 0, None)]


def test_hours_of_the_night_of_the_clock_change(hospital: Warehouse) -> None:
    found = hospital.query(
        """select ward_id, day(work_date), rn_hours, uap_hours, lpn_hours, contract_nursing_hours, patient_days,
        total_nursing_hours_per_patient_day, rn_skill_mix_pct from gold.nursing_hours_daily order by all"""
    )
    d = Decimal
    assert found == [
        ("reference:W1", 29, d("6.5"), d(8), d(0), d(0), 2, d("7.25"), d("44.83")),
        ("reference:W1", 30, d(0), d(0), d(0), d(0), 1, d("0.00"), None),
        ("reference:W2", 31, d(0), d(0), d(4), d(4), 0, None, d("0.00")),
    ]


def test_monthly_staffing_divides_hours_by_all_patient_days(hospital: Warehouse) -> None:
    found = hospital.query(
        """select patient_days, total_nursing_hours_per_patient_day, care_hours_per_patient_day, planned_hours,
        present_hours, fill_rate_pct from gold.monthly_staffing_metrics where ward_id = 'reference:W1'"""
    )
    d = Decimal
    assert found == [(3, d("4.83"), d("4.83"), d(7), d(15), d("214.29"))]


def test_cost_is_net_of_returns_and_late_corrections(hospital: Warehouse) -> None:
    found = hospital.query(
        """select dispensed_quantity, returned_quantity, acquisition_cost, price_basis_code, currency_code,
        administered_quantity, wasted_quantity, waste_cost, waste_pct, lines_without_cost, occupied_bed_days,
        cost_per_patient_day from gold.drug_costs_monthly"""
    )
    d = Decimal
    expected = (d(21), d(2), d(48), "CONTRACT", "EUR", d(4), d(1), d("2.5263"), d(20), 1, 5, d("9.6"))
    assert found == [expected]


def test_price_periods_follow_effective_dates(hospital: Warehouse) -> None:
    found = hospital.query(
        """select price_start_date, price_end_date, unit_cost, price_change_abs, price_change_pct, is_current
        from gold.drug_price_history order by price_start_date"""
    )
    d = Decimal
    assert found == [
        (date(2025, 1, 1), date(2025, 2, 28), d(2), None, None, False),
        (date(2025, 3, 1), date(2025, 4, 30), d(3), d(1), d(50), False),
        (date(2025, 5, 1), None, d("2.7"), d("-0.3"), d(-10), True),
    ]


def test_wall_time_without_an_instant_is_read_before_the_change(hospital: Warehouse) -> None:
    found = hospital.query(
        "select cast(admitted_at at time zone 'UTC' as varchar) from silver.encounters where encounter_number = 'C3'"
    )
    assert found == [("2025-03-30 01:30:00",)]


def test_gold_holds_no_identifier_of_a_patient(hospital: Warehouse) -> None:
    tables = hospital.query("select table_name from information_schema.tables where table_schema = 'gold'")
    assert len(tables) == 11
    for (table,) in tables:
        text = str(hospital.query(f"select * from gold.{table}"))
        assert "Muster" not in text
        assert "reference:M1" not in text
        assert "reference:C" not in text
