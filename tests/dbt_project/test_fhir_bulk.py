"""A bulk export of FHIR, from its NDJSON files to gold, against a reading of the same files with Python's parser."""

import json
import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.dbt_project.aggregates import example, known, load_files, project_with
from tests.dbt_project.conftest import Warehouse

DATA = Path(os.environ.get("WARDLAKE_REAL_DATA", "/nowhere")) / "fhir_r4_bulk_10_patients"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="WARDLAKE_REAL_DATA is not set")

ZONE = ZoneInfo("America/New_York")


def resources(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / f"{name}.000.ndjson").read_text().splitlines()]


@pytest.fixture(scope="module")
def fhir(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    source = example("fhir_bulk")
    load_files(warehouse, source, DATA)
    warehouse.build(known(source), project_with(tmp_path_factory.mktemp("project"), "fhir_bulk"))
    return warehouse


def test_every_encounter_and_its_length_of_stay(fhir: Warehouse) -> None:
    classes = {"IMP": "INPATIENT", "EMER": "EMERGENCY"}
    expected: Counter[tuple[object, ...]] = Counter()
    for encounter in resources("Encounter"):
        start, end = (datetime.fromisoformat(encounter["period"][name]).astimezone(ZONE) for name in ("start", "end"))
        hospital = encounter["serviceProvider"]["reference"].rpartition("|")[2]
        visit_class = classes.get(encounter["class"]["code"], "OUTPATIENT")
        disposition = "HOME" if "hospitalization" in encounter else None
        length = (end.date() - start.date()).days
        expected[f"fhir_{hospital}", visit_class, disposition, start.date(), end.date(), length] += 1
    found = fhir.query(
        """select facility_id, encounter_class_code, discharge_disposition_code, admission_date, discharge_date,
        length_of_stay_days from gold.encounter_facts"""
    )
    assert Counter(found) == expected
    assert expected.total() == 1215


def test_instants_are_those_of_the_offsets(fhir: Warehouse) -> None:
    found = dict(fhir.query("select encounter_number, discharged_at from silver.encounters"))  # type: ignore[arg-type]
    assert found == {item["id"]: datetime.fromisoformat(item["period"]["end"]) for item in resources("Encounter")}


def test_patients_with_the_number_of_their_hospital(fhir: Warehouse) -> None:
    expected = set()
    for patient in resources("Patient"):
        (number,) = (
            identifier["value"]
            for identifier in patient["identifier"]
            if identifier.get("type", {}).get("coding", [{}])[0].get("code") == "MR"
        )
        name, died = patient["name"][0], patient.get("deceasedDateTime")
        expected.add((number, patient["birthDate"], name["given"][0], name["family"], died[:10] if died else None))
    found = fhir.query(
        """select medical_record_number, cast(birth_date as varchar), given_name, family_name,
        cast(death_date as varchar) from silver.patients"""
    )
    assert set(found) == expected
    sexes = Counter(sex for (sex,) in fhir.query("select sex_code from gold.patient_summary"))
    assert sexes == Counter({"F": 9, "M": 4})


def test_diagnoses_of_every_encounter(fhir: Warehouse) -> None:
    expected = Counter(
        (condition["encounter"]["reference"].removeprefix("Encounter/"), condition["code"]["coding"][0]["code"])
        for condition in resources("Condition")
    )
    found = fhir.query(
        """select encounters.encounter_number, diagnosis_code from silver.diagnoses
        inner join silver.encounters using (encounter_id) where code_system_code = 'SNOMED-CT'"""
    )
    assert Counter(found) == expected
    assert expected.total() == 555


def test_stays_of_each_month(fhir: Warehouse) -> None:
    discharges: Counter[tuple[object, ...]] = Counter()
    for encounter in resources("Encounter"):
        if encounter["class"]["code"] == "IMP":
            end = datetime.fromisoformat(encounter["period"]["end"]).astimezone(ZONE).date()
            hospital = encounter["serviceProvider"]["reference"].rpartition("|")[2]
            discharges[f"fhir_{hospital}", end.replace(day=1)] += 1
    found = fhir.query(
        """select facility_id, month_start_date, discharges from gold.monthly_patient_metrics
        where discharges > 0"""
    )
    assert {row[:2]: row[2] for row in found} == dict(discharges)
    assert discharges.total() == 49
