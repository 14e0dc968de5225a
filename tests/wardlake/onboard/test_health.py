"""Health data: what is harmless in a code list tells a diagnosis beside a patient."""

import os
from pathlib import Path

import duckdb
import pytest
from tests.wardlake.onboard.conftest import Add

from wardlake.onboard.found import FoundColumn, create_text_sample
from wardlake.onboard.health import suggest_classes
from wardlake.onboard.profile import profile
from wardlake.settings import Settings
from wardlake.sources import Source, read_source

CODES = ["I10", "E11", "J02"] * 20


def classes_of(**samples: list[str]) -> dict[str, str]:
    """Classes of a table of these columns."""
    columns = [FoundColumn(name) for name in samples]
    with duckdb.connect() as engine:
        create_text_sample(engine, "sample", list(samples), list(zip(*samples.values(), strict=True)))
        found = suggest_classes(columns, {column.name: profile(engine, "sample", column) for column in columns})
    return {name: one.pii for name, one in found.items()}


@pytest.mark.parametrize("beside", ["patient_id", "mrn", "ENCOUNTER", "age", "Fallnummer"])
def test_a_code_beside_a_patient_is_health_data(beside: str) -> None:
    numbers = [str(number) for number in range(20, 80)]
    assert classes_of(**{beside: numbers, "code": CODES})["code"] == "health"


def test_a_code_list_is_none() -> None:
    assert classes_of(code=CODES, category=["A", "B", "C"] * 20) == {"code": "none", "category": "none"}


@pytest.mark.parametrize("name", ["DIAGNOSIS3", "REASONCODE", "icd10_cd", "dx_main", "Nebendiagnose_2", "diagnóstico"])
@pytest.mark.parametrize("values", [[""] * 60, CODES, [str(number) for number in range(60)]])
def test_clinical_names_are_health_data_whatever_stands_in_them(name: str, values: list[str]) -> None:
    patients = [f"P{number}" for number in range(60)]
    assert classes_of(**{"patient": patients, name: values})[name] == "health"


def test_measured_values_are_health_data() -> None:
    patients, values = [f"P{number}" for number in range(60)], [f"{number}.5" for number in range(60)]
    assert classes_of(patient=patients, potassium=values, temp=values) == {
        "patient": "identifier",
        "potassium": "health",
        "temp": "health",
    }


@pytest.mark.parametrize("name", ["ward_code", "status", "discharge_type", "unit", "total_cost", "diagnosis_type"])
def test_how_care_is_organized_and_paid_stays_none(name: str) -> None:
    patients = [f"P{number}" for number in range(60)]
    assert classes_of(**{"patient": patients, name: ["1", "2", "3"] * 20})[name] == "none"


@pytest.fixture
def real(request: pytest.FixtureRequest, project: Settings, add: Add) -> Source:
    """The draft of a folder of real files."""
    data = os.environ.get("WARDLAKE_REAL_DATA")
    if not data:
        pytest.skip("WARDLAKE_REAL_DATA is not set")
    done = add("newcomer", "--from", str(Path(data) / request.param))
    assert done.exit_code == 0, done.output
    return read_source(project.sources_dir / "newcomer.yaml")


def none_in(source: Source, table: str) -> set[str]:
    """Columns that a draft takes for harmless."""
    return {name for name, column in source.tables[table].columns.items() if column.pii == "none"}


@pytest.mark.parametrize("real", ["synthea_csv_omop_seed"], indirect=True)
def test_a_real_record_keeps_no_diagnosis_unclassed(real: Source) -> None:
    money = {"BASE_COST", "TOTALCOST", "BASE_ENCOUNTER_COST", "TOTAL_CLAIM_COST"}
    assert none_in(real, "conditions") == set()
    assert none_in(real, "medications") | none_in(real, "procedures") | none_in(real, "encounters") <= money | {
        "ENCOUNTERCLASS",
        "DISPENSES",
    }
    assert not [name for name in none_in(real, "claims") if name.startswith("DIAGNOSIS")]
    assert real.tables["conditions"].columns["CODE"].pii == "health"


@pytest.mark.parametrize("real", ["synthea_csv_omop_seed"], indirect=True)
def test_real_keys_name_the_patient_or_the_row(real: Source) -> None:
    references = {"Id", "ID", "PATIENT", "ENCOUNTER"}
    assert {name: table.keys for name, table in real.tables.items() if not references.intersection(table.keys)} == {}


@pytest.mark.parametrize("real", ["mimic3_demo"], indirect=True)
def test_codes_are_health_data_in_stays_and_none_in_code_lists(real: Source) -> None:
    assert real.tables["diagnoses_icd"].columns["icd9_code"].pii == "health"
    assert real.tables["procedures_icd"].columns["icd9_code"].pii == "health"
    assert real.tables["labevents"].columns["flag"].pii == "health"
    assert "icd9_code" in none_in(real, "d_icd_diagnoses")
    assert "first_careunit" in none_in(real, "icustays")
