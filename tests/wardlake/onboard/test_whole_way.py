"""Real files of systems that the code has never seen: from the command to judged batches, without a hand's work."""

import csv
import os
from pathlib import Path

import pytest
from tests.wardlake.onboard.conftest import Add
from typer.testing import CliRunner

from wardlake.bronze import extract_table
from wardlake.cli import app
from wardlake.lake import Lake
from wardlake.quality import check_suites, judge_source
from wardlake.settings import Settings
from wardlake.sources import active_sources, read_source
from wardlake.status import status as read_status
from wardlake.window import Window

LEAST_TELLING = 6
"""Shorter values, such as M or none, are words of many texts."""


@pytest.fixture(params=["nhs_r_datasets", "synthea_csv_omop_seed"])
def folder(request: pytest.FixtureRequest) -> Path:
    """A folder of real CSV files."""
    real = os.environ.get("WARDLAKE_REAL_DATA")
    if not real:
        pytest.skip("WARDLAKE_REAL_DATA is not set")
    found = Path(real) / str(request.param)
    assert found.is_dir()
    return found


def records(path: Path) -> list[dict[str, str]]:
    """Rows of a file, as Python's own parser reads them."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_row_reaches_bronze_and_is_judged(folder: Path, project: Settings, lake: Lake, add: Add) -> None:
    done = add("newcomer", "--from", str(folder))
    assert done.exit_code == 0, done.output
    source = read_source(project.sources_dir / "newcomer.yaml")
    assert check_suites(project, [source])[1:] == [], "all suites are in order; the project has none for gold"

    paths = {path.name: path for path in folder.glob("*.csv")}
    for path in paths.values():
        lake.upload(path, project.bucket("landing"), f"newcomer/{path.name}")
    taken: dict[str, int] = {}
    for table in source.tables:
        manifest = extract_table(project, source, table, Window.today()).manifest
        taken |= {file.name: file.rows for file in manifest.taken}
        assert manifest.lake_rows == sum(file.rows for file in manifest.taken)
    assert taken == {name: len(records(path)) for name, path in paths.items()}

    verdicts = judge_source(project, source)
    assert len(verdicts) == len(paths)
    assert [verdict.table for verdict in verdicts if verdict.status in ("error", "halted")] == []
    assert sum(verdict.quarantined_rows for verdict in verdicts) == 0


def test_a_run_until_bronze_judges_and_builds_nothing(
    project: Settings, lake: Lake, add: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wards.csv"
    path.write_text("ward_code,beds\nA,4\nB,5\n")
    add("adt", "--from", str(path))
    for name, value in project.environment().items():
        monkeypatch.setenv(name, value)
    CliRunner().invoke(app, ["source", "deliver", "adt", str(path)])
    done = CliRunner().invoke(app, ["run", "adt", "--until", "bronze"])
    assert done.exit_code == 0, done.output
    assert "Nothing was built or published" in done.output
    (status,) = read_status(project, active_sources(project))
    assert (status.rows, status.verdict) == (2, "passed")
    assert not project.warehouse_path.exists()
    assert not project.published_dir.exists()


def test_no_value_of_a_classed_column_stands_in_yaml_or_suites_or_output(
    folder: Path, project: Settings, add: Add
) -> None:
    told = add("newcomer", "--from", str(folder)).output
    source = read_source(project.sources_dir / "newcomer.yaml")
    written = (project.sources_dir / "newcomer.yaml").read_text()
    suites = {path.stem: path.read_text() for path in (project.suites_dir / "newcomer").glob("*.json")}
    assert set(suites) == set(source.tables)
    names = {word for table in source.tables for word in (table, table.removesuffix("s"))}  # medication is a value too
    for name, table in source.tables.items():
        assert table.files is not None
        rows = records(folder / table.files.pattern)
        for column in (column for column, spec in table.columns.items() if spec.pii != "none"):
            values = {row[column] for row in rows if len(row[column]) >= LEAST_TELLING} - names
            text = written + told + suites[name]
            assert not [value for value in values if value in text], f"{name}.{column}"
