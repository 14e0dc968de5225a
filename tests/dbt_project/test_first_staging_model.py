"""A staging model that `wardlake source stage` wrote, and an analyst filled in: from a CSV to gold."""

import re
import shutil
from pathlib import Path

import pytest
from tests.dbt_project.aggregates import known, load_files
from tests.dbt_project.conftest import Warehouse

from wardlake.errors import PermanentError
from wardlake.onboard.stage import write_model
from wardlake.settings import PROJECT_ROOT
from wardlake.sources import ENTITIES, Source
from wardlake.sources.load import parse_source

YAML = """
name: stays
description: Stays.
owner: data team
facility: {id: north, name: North, timezone: Europe/Paris, currency: EUR}
connection: {kind: landing, prefix: stays/}
provides: [patients, encounters]
tables:
  stays:
    description: Stays.
    files: {pattern: "stays.csv", format: csv}
    mode: snapshot
    keys: [stay]
    columns:
      stay: {type: VARCHAR, pii: identifier}
      person: {type: VARCHAR, pii: identifier}
      came: {type: VARCHAR, pii: quasi}
      went: {type: VARCHAR, pii: quasi}
"""
FILLED = {
    "patients": {
        "patient_id": "{{ source_key('stays', 'person') }}",
        "medical_record_number": "person",
    },
    "encounters": {
        "encounter_id": "{{ source_key('stays', 'stay') }}",
        "patient_id": "{{ source_key('stays', 'person') }}",
        "encounter_number": "stay",
        "admitted_at": "{{ to_utc('came', 'stays') }}",
        "discharged_at": "{{ to_utc('went', 'stays') }}",
    },
}


@pytest.fixture
def source() -> Source:
    return parse_source(YAML, "stays.yaml")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the dbt project."""
    return Path(shutil.copytree(PROJECT_ROOT / "dbt_project", tmp_path / "dbt_project"))


def test_filled_in_line_by_line_it_reaches_gold(
    project: Path, source: Source, warehouse: Warehouse, tmp_path: Path
) -> None:
    for entity, filled in FILLED.items():
        model = write_model(project, source, entity, None)[0]
        sql = model.read_text()
        for column, expression in filled.items():
            sql, lines = re.subn(rf"cast\(null as .*\) as {column}\b", f"{expression} as {column}", sql)
            assert lines == 1, column
        if entity == "patients":  # who comes twice is one patient
            newest = "{{ newest_of_each(source('stays', 'stays'), 'person', by='came') }} as newest"
            sql = sql.replace("from {{ source('stays', 'stays') }}", f"from {newest}")
        model.write_text(sql)
    rows = ["S1,P1,2025-03-29 23:00:00,2025-03-31 01:00:00", "S2,P1,2025-05-01 10:00:00,2025-05-01 11:00:00"]
    (tmp_path / "stays.csv").write_text("\n".join(["stay,person,came,went", *rows, ""]))
    load_files(warehouse, source, tmp_path)
    warehouse.build(known(source), project)
    stays = warehouse.query("select facility_id, length_of_stay_days from gold.encounter_facts order by admission_date")
    assert stays == [("north", 2), ("north", 0)]
    assert warehouse.query("select inpatient_stays from gold.patient_summary") == [(2,)]
    # the second row of the file is the newer one
    assert warehouse.query("select row_id from silver.patients") == [(3,)]


def test_every_entity_has_a_first_model_that_dbt_can_read(project: Path, source: Source, warehouse: Warehouse) -> None:
    written = [write_model(project, source, entity, None) for entity in ENTITIES]
    assert [len(paths) for paths in written] == [2] + [1] * (len(ENTITIES) - 1), "the bronze tables are listed once"
    parsed = warehouse.dbt("parse", sources=known(source), project=project)
    assert parsed.returncode == 0, parsed.stdout
    encounters = (project / "models" / "staging" / "stays" / "stg_stays__encounters.sql").read_text()
    assert "is_pseudo_admission" not in encounters, "silver adds it"
    assert "-- Admission.  Never NULL.\n    cast(null as {{ type_instant() }}) as admitted_at,\n" in encounters
    assert encounters.count("lineage('stays')") == 1
    assert "Columns of stays: stay, person, came, went." in encounters


def test_a_model_that_exists_is_kept(project: Path, source: Source) -> None:
    model = write_model(project, source, "patients", "stays")[0]
    model.write_text("mine")
    with pytest.raises(PermanentError, match=r"stg_stays__patients\.sql exists already"):
        write_model(project, source, "patients", "stays")
    assert model.read_text() == "mine"


@pytest.mark.parametrize(
    ("entity", "table", "told"),
    [("patient", None, "Silver has no entity patient"), ("patients", "visits", "stays has no table visits")],
)
def test_what_is_not_known_is_told(project: Path, source: Source, entity: str, table: str | None, told: str) -> None:
    with pytest.raises(PermanentError, match=told):
        write_model(project, source, entity, table)
    assert not (project / "models" / "staging" / "stays").exists()


def test_one_of_several_tables_must_be_named(project: Path) -> None:
    text = YAML + YAML[YAML.index("  stays:\n") :].replace("  stays:\n", "  visits:\n", 1)
    two = parse_source(text, "stays.yaml")
    with pytest.raises(PermanentError, match="several tables") as refused:
        write_model(project, two, "patients", None)
    assert "Name one with --table: stays, visits." in str(refused.value)
