"""`wardlake source deliver`: files by hand into the landing bucket."""

from pathlib import Path

import pytest
from tests.wardlake.onboard.conftest import Add
from typer.testing import CliRunner, Result

from wardlake.bronze import extract_table
from wardlake.cli import app
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import read_source
from wardlake.window import Window


@pytest.fixture
def deliveries(tmp_path: Path, add: Add) -> Path:
    """A folder from which the source `adt` was described, and a file that came to it later."""
    folder = tmp_path / "deliveries"
    (folder / "2024").mkdir(parents=True)
    (folder / "2024" / "wards.csv").write_text("ward_code,beds\nW1,3\nW2,4\n")
    assert add("adt", "--from", str(folder)).exit_code == 0
    (folder / "read me.txt").write_text("These are wards.")
    return folder


def deliver(project: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    """The command as a person types it, with the store of the tests."""
    for name, value in project.environment().items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(app, ["source", "deliver", *arguments])


def test_what_is_delivered_is_what_a_run_reads(
    project: Settings, lake: Lake, deliveries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = deliver(project, monkeypatch, "adt", str(deliveries))
    assert done.exit_code == 0, done.output
    assert "Delivered: 1 file to the bucket" in done.output
    assert "read me.txt was left out" in done.output
    assert lake.list(project.bucket("landing")) == ["adt/2024/wards.csv"]
    source = read_source(project.sources_dir / "adt.yaml")
    (table,) = source.tables
    assert extract_table(project, source, table, Window.today()).manifest.lake_rows == 2


def test_files_that_no_table_reads_are_refused_with_the_patterns(
    project: Settings, lake: Lake, deliveries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = deliver(project, monkeypatch, "adt", str(deliveries / "read me.txt"))
    assert "No table of adt reads files of these names (1 file)" in str(done.exception)
    assert lake.list(project.bucket("landing")) == []


def test_a_source_that_reads_elsewhere_is_refused(
    project: Settings, deliveries: Path, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("share", "--from", str(deliveries), "--folder")
    done = deliver(project, monkeypatch, "share", str(deliveries))
    assert "its connection is of kind folder" in str(done.exception)
    assert "There is no source nobody" in str(deliver(project, monkeypatch, "nobody", str(deliveries)).exception)
