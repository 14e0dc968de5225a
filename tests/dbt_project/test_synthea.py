"""Synthea's export, from its CSV files to gold: the cost of each prescription, and the length of each stay."""

import csv
import os
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.dbt_project.aggregates import example, known, load_files, project_with
from tests.dbt_project.conftest import Warehouse

DATA = Path(os.environ.get("WARDLAKE_REAL_DATA", "/nowhere")) / "synthea_csv_omop_seed"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="WARDLAKE_REAL_DATA is not set")

ZONE = ZoneInfo("America/New_York")


def records(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def synthea(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    source = example("synthea")
    load_files(warehouse, source, DATA)
    warehouse.build(known(source), project_with(tmp_path_factory.mktemp("project"), "synthea"))
    return warehouse


def test_every_prescription_costs_what_synthea_says(synthea: Warehouse) -> None:
    """Price and number of dispenses are all that gold is given; the total is Synthea's own."""
    lines = synthea.query(
        """select medications."TOTALCOST", costs.quantity * costs.unit_cost, costs.quantity, costs.event_date
        from bronze_synthea.medications as medications
        left join silver.drug_event_costs as costs
        on costs.drug_event_id = 'synthea:' || medications._batch_id || ':' || medications._row_id"""
    )
    assert len(lines) == len(records("medications")) == 663
    assert [line for line in lines if Decimal(str(line[0])) != line[1]] == []


def test_cost_of_each_hospital_drug_and_month(synthea: Warehouse) -> None:
    hospitals = {visit["Id"]: visit["ORGANIZATION"] for visit in records("encounters")}
    expected: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for line in records("medications"):
        month = instant(line["START"]).astimezone(ZONE).strftime("%Y-%m")
        expected[f"synthea_{hospitals[line['ENCOUNTER']]}", f"synthea:{line['CODE']}", month] += Decimal(
            line["TOTALCOST"]
        )
    found = synthea.query(
        """select facility_id, drug_id, strftime(month_start_date, '%Y-%m'), acquisition_cost, currency_code,
        lines_without_cost from gold.drug_costs_monthly"""
    )
    assert {row[:3]: row[3] for row in found} == dict(expected)
    assert len(found) == len(expected)
    assert {row[4:] for row in found} == {("USD", 0)}
    assert sum(expected.values()) == sum(Decimal(line["TOTALCOST"]) for line in records("medications"))


def test_cost_of_each_visit(synthea: Warehouse) -> None:
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for line in records("medications"):
        expected[line["ENCOUNTER"]] += Decimal(line["TOTALCOST"])
    found = synthea.query("select dispensed_cost from gold.encounter_drug_costs order by all")
    assert [cost for (cost,) in found] == sorted(expected.values())


def test_visits_and_lengths_of_stay(synthea: Warehouse) -> None:
    classes = {"inpatient": "INPATIENT", "emergency": "EMERGENCY"}
    visits = records("encounters")
    expected = []
    for visit in visits:
        first, last = (instant(visit[name]).astimezone(ZONE).date() for name in ("START", "STOP"))
        visit_class = classes.get(visit["ENCOUNTERCLASS"], "OUTPATIENT")
        expected.append((f"synthea_{visit['ORGANIZATION']}", visit_class, first, (last - first).days))
    found = synthea.query(
        "select facility_id, encounter_class_code, admission_date, length_of_stay_days from gold.encounter_facts"
    )
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert len(found) == 604
    stays = synthea.query("select count(*) from gold.encounter_facts where is_inpatient_stay")
    assert stays == [(sum(visit["ENCOUNTERCLASS"] == "inpatient" for visit in visits),)] == [(11,)]


def test_patients_diagnoses_and_hospitals(synthea: Warehouse) -> None:
    assert synthea.query("select count(*) from gold.patient_summary") == [(len(records("patients")),)]
    assert synthea.query("select count(*) from silver.facilities") == [(len(records("organizations")) + 1,)]
    codes = synthea.query("select diagnosis_code from silver.diagnoses order by all")
    assert [code for (code,) in codes] == sorted(line["CODE"] for line in records("conditions"))
    # no condition is told to be the principal one
    assert synthea.query("select count(principal_diagnosis_code) from gold.encounter_facts") == [(0,)]


def test_gold_of_wards_and_staff_is_empty(synthea: Warehouse) -> None:
    for table in ("daily_census", "nursing_hours_daily", "monthly_staffing_metrics", "clinician_workload_monthly"):
        assert synthea.query(f"select count(*) from gold.{table}") == [(0,)]
