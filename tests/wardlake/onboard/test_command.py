"""The command `wardlake source add` as a person meets it."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.wardlake.onboard.conftest import Add
from typer.testing import CliRunner

from wardlake.cli import app
from wardlake.settings import PROJECT_ROOT, Settings
from wardlake.sources import read_source

CSV = "ward_code,beds\n" + "".join(f"W{number},{number}\n" for number in range(60))


@pytest.fixture
def wards(tmp_path: Path) -> Path:
    """A CSV file of wards."""
    path = tmp_path / "wards_2024.csv"
    path.write_text(CSV)
    return path


def test_yaml_suites_and_the_next_steps(project: Settings, wards: Path, add: Add) -> None:
    done = add("adt", "--from", str(wards))
    source = read_source(project.sources_dir / "adt.yaml")
    assert source.connection.model_dump() == {"kind": "landing", "prefix": "adt/"}
    assert (source.facility.id, source.facility.name, source.facility.currency) == ("main", "Main", "GBP")
    assert (source.provides, source.triggers_build) == ([], False), "gold does not wait for what feeds nothing"
    assert (project.suites_dir / "adt" / "wards.json").exists()
    text = (project.sources_dir / "adt.yaml").read_text()
    assert "keys: [ward_code] # guessed: unique and never empty in 60 sampled rows" in text
    assert "the key ward_code was guessed" in done.output
    assert f"dropped below adt/ in the bucket {project.bucket('landing')}" in done.output
    assert "wardlake check" in done.output
    assert "wardlake run adt" in done.output


def test_files_that_exist_are_never_replaced_unasked(project: Settings, wards: Path, add: Add) -> None:
    suite = project.suites_dir / "adt" / "wards.json"
    suite.parent.mkdir(parents=True)
    suite.write_text("by hand")
    done = add("adt", "--from", str(wards))
    assert "expectations/adt/wards.json exists already; nothing was written" in str(done.exception)
    assert suite.read_text() == "by hand"
    assert not (project.sources_dir / "adt.yaml").exists()
    assert add("adt", "--from", str(wards), "--force").exit_code == 0
    assert suite.read_text() != "by hand"
    assert "dags/sources/adt.yaml exists already" in str(add("adt", "--from", str(wards)).exception)


def test_stdout_prints_the_yaml_alone_and_writes_nothing(
    project: Settings, wards: Path, add: Add, tmp_path: Path
) -> None:
    done = add("adt", "--from", str(wards), "--stdout")
    (tmp_path / "adt.yaml").write_text(done.stdout)
    assert list(read_source(tmp_path / "adt.yaml").tables) == ["wards"]
    assert "Next:" in done.stderr
    assert not project.sources_dir.exists()


def test_files_may_stay_in_their_folder(project: Settings, wards: Path, add: Add) -> None:
    assert add("adt", "--from", str(wards.parent / "wards_2024.csv"), "--folder").exit_code == 0
    connection = read_source(project.sources_dir / "adt.yaml").connection.model_dump()
    assert connection == {"kind": "folder", "path": wards.parent}


def test_more_files_are_more_tables_or_more_of_one(project: Settings, wards: Path, add: Add) -> None:
    (wards.parent / "wards_2025.csv").write_text(CSV)
    (wards.parent / "beds.csv").write_text("bed,ward_code\nB1,W1\nB2,W1\n")
    done = add("adt", "--from", str(wards), str(wards.parent / "wards_2025.csv"), str(wards.parent / "beds.csv"))
    tables = read_source(project.sources_dir / "adt.yaml").tables
    assert done.exit_code == 0
    assert {name: table.files.pattern for name, table in tables.items() if table.files} == {
        "wards": "wards_*.csv",
        "beds": "beds.csv",
    }


@pytest.mark.parametrize(
    ("arguments", "facility", "told"),
    [
        ([], ["--owner", "x"], "--facility-id, --timezone, --currency must be given"),
        ([], ["--owner", "x", "--facility-id", "f", "--timezone", "Mars", "--currency", "EUR"], "facility.timezone"),
        (["--from", "nowhere.csv"], None, "nowhere.csv does not exist"),
        (["--from", "mars://x"], None, "No driver is installed for mars"),
    ],
)
def test_what_is_wrong_is_told(
    wards: Path, add: Add, arguments: list[str], facility: list[str] | None, told: str
) -> None:
    origin = arguments or ["--from", str(wards)]
    done = add("adt", *origin, **({"facility": facility} if facility else {}))
    assert done.exit_code != 0
    assert told in str(done.exception)


def test_a_wrong_name_is_told_before_anything_is_read(add: Add, tmp_path: Path) -> None:
    assert "name: String should match" in str(add("Lab 1", "--from", str(tmp_path)).exception)


def test_the_facility_of_all_other_sources_is_taken(project: Settings, wards: Path, add: Add) -> None:
    north = ["--facility-id", "north", "--timezone", "UTC", "--currency", "EUR"]
    add("first", "--from", str(wards), facility=["--owner", "x", *north])
    assert add("second", "--from", str(wards), facility=["--owner", "y"]).exit_code == 0
    assert read_source(project.sources_dir / "second.yaml").facility.id == "north"


def test_help_is_quick() -> None:
    done = CliRunner().invoke(app, ["source", "--help"])
    assert "add" in done.output


def test_in_a_terminal_it_asks_for_what_is_missing(project: Settings, wards: Path, add: Add) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, b"lab-it\nmain_site\nEurope/Berlin\nEUR\n")
    command = [sys.executable, "-c", "from wardlake.cli import main; main()", "source", "add", "adt", "--from", wards]
    done = subprocess.run(
        command,
        stdin=terminal,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT / "plugins")},
    )
    assert done.returncode == 0, done.stderr
    source = read_source(project.sources_dir / "adt.yaml")
    assert (source.owner, source.facility.id, source.facility.name) == ("lab-it", "main_site", "Main Site")
    assert (source.facility.timezone, source.facility.currency) == ("Europe/Berlin", "EUR")


def test_a_first_staging_model_and_what_comes_next(project: Settings, wards: Path, add: Add) -> None:
    add("adt", "--from", str(wards))
    shutil.copytree(PROJECT_ROOT / "dbt_project" / "models" / "silver", project.dbt_dir / "models" / "silver")
    done = CliRunner().invoke(app, ["source", "stage", "adt", "wards"])
    assert done.exit_code == 0, done.output
    assert "Written: dbt_project/models/staging/adt/stg_adt__wards.sql" in done.output
    assert "set provides: [wards] and triggers_build: true in dags/sources/adt.yaml" in " ".join(done.output.split())
    model = (project.dbt_dir / "models" / "staging" / "adt" / "stg_adt__wards.sql").read_text()
    assert "Columns of wards: ward_code, beds." in model
    unknown = CliRunner().invoke(app, ["source", "stage", "pas", "wards"])
    assert "There is no source pas" in str(unknown.exception)
