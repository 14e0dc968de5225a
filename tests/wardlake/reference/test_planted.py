"""The catalogue of dirty rows and the rows themselves are the same."""

import re
from collections import Counter

import duckdb
import pytest

from wardlake.reference import PLANTED
from wardlake.settings import PROJECT_ROOT

DIRTY = {  # the rows that break the rule, looked for without knowing the catalogue
    "reference.pat_master.duplicate_mrn": """
        select rec_id from adt.pat_master qualify row_number() over (partition by mrn order by rec_id) > 1""",
    "reference.admission.duplicate_case_no": """
        select adm_no from adt.admission qualify row_number() over (partition by case_no order by adm_no) > 1""",
    "reference.admission.discharge_before_admission": "select adm_no from adt.admission where dis_ts < adm_ts",
    "reference.admission.negative_age": "select adm_no from adt.admission where age_at_adm < 0",
    "reference.bed_movement.unknown_ward": """
        select mv_id from adt.bed_movement where ward_cd not in (select ward_cd from adt.ward)""",
    "reference.prescription.dose_is_range": """
        select rx_id from ehr.prescription where try_cast(dose_txt as double) is null""",
    "reference_pharmacy.price_list.price_not_positive": """
        select drug_cd, effective_from::varchar from pharmacy.price where unit_price <= 0""",
    "reference_pharmacy.dispensing.late_correction": "select line_no from pharmacy.line where corrects is not null",
}
IN_FILES_ONLY = {"reference_pharmacy.dispensing.byte_order_mark", "reference_pharmacy.dispensing.totals_row"}


@pytest.mark.parametrize("rule_id", DIRTY)
def test_exactly_the_catalogued_rows_are_dirty(hospital: duckdb.DuckDBPyConnection, rule_id: str) -> None:
    planted = {tuple(row.key.values()) for row in PLANTED if row.rule_id == rule_id}
    assert planted
    assert set(hospital.execute(DIRTY[rule_id]).fetchall()) == planted


def test_every_rule_of_the_catalogue_is_looked_for() -> None:
    assert {row.rule_id for row in PLANTED} == set(DIRTY) | IN_FILES_ONLY
    assert max(Counter(row.id for row in PLANTED).values()) == 1


def test_a_dirty_admission_leads_nowhere_and_a_resent_one_is_the_same(hospital: duckdb.DuckDBPyConnection) -> None:
    alone = hospital.execute(
        "select adm_no, count(dx_id) from adt.admission left join ehr.diagnosis using (case_no) "
        "where adm_no > 9e9 group by all order by adm_no"
    ).fetchall()
    assert [cases > 0 for _, cases in alone] == [True, True, False, False, False, False]
    resent = hospital.execute(
        "select count(*) from (select distinct * exclude (adm_no) from adt.admission where case_no in "
        "(select case_no from adt.admission where adm_no in (9000000001, 9000000002)))"
    ).fetchall()
    assert resent == [(2,)]


def test_a_correction_replaces_an_earlier_dispensing_of_the_same_drug_and_case(
    hospital: duckdb.DuckDBPyConnection,
) -> None:
    pairs = hospital.execute(
        "select late.date > early.date, late.case_no = early.case_no, late.drug_cd = early.drug_cd, "
        "late.quantity - early.quantity, early.kind from pharmacy.line late join pharmacy.line early "
        "on early.line_no = late.corrects"
    ).fetchall()
    assert pairs == [(True, True, True, 1, "DISPENSE")] * 3


def test_the_documentation_lists_every_rule_with_its_action() -> None:
    page = (PROJECT_ROOT / "docs" / "reference-hospital.md").read_text()
    lines = {rule_id: line for line in page.splitlines() for rule_id in re.findall(r"^\| `(\w+\.\w+\.\w+)`", line)}
    assert set(lines) == {row.rule_id for row in PLANTED}
    assert all(f"| {row.action} |" in lines[row.rule_id] for row in PLANTED)
