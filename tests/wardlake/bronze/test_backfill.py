"""A past window read again, compared with what is there, and swapped in."""

from datetime import datetime
from pathlib import Path

import pytest
from bronze.stays import Clinic, at, day, stay_source
from typer.testing import CliRunner

from wardlake.bronze import Backfill, backfill_table, batches, extract_table
from wardlake.cli import app
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.window import Window


@pytest.fixture
def clinic(settings: Settings, database: str) -> Clinic:
    """Stays of three days, extracted day by day; then the source's past was changed under the same cursors."""
    clinic = Clinic(settings, database, stay_source())
    for number in (1, 2, 3):
        clinic.put(number, "A", at(number, 5))
        clinic.extract(number)
    clinic.change("update adt.stay set ward = 'corrected' where id = 2")
    clinic.change("insert into adt.stay values (20, 'forgotten', %s)", at(2, 6))
    return clinic


def again(clinic: Clinic, backfill: Backfill, *, is_rehearsal: bool = False) -> tuple[int, int, int, int]:
    done = backfill_table(
        clinic.settings, clinic.source, "stay", backfill, clinic.database, is_rehearsal=is_rehearsal
    ).manifest.comparison
    assert done is not None
    return (done.added, done.gone, done.changed, done.same)


def test_a_window_is_compared_and_swapped_in(clinic: Clinic) -> None:
    assert again(clinic, Backfill("repair", day(2))) == (1, 0, 1, 2)
    assert clinic.lake_rows() == [(1, "A"), (2, "corrected"), (3, "A"), (20, "forgotten")]
    newest = batches(clinic.settings, Lake(clinic.settings), "clinic", "stay")
    assert sorted(len(manifest.supersedes) for manifest in newest) == [0, 0, 0, 1]


def test_rows_that_the_source_no_longer_has_go(clinic: Clinic) -> None:
    clinic.change("delete from adt.stay where id = 2")
    assert again(clinic, Backfill("repair", day(2))) == (1, 1, 0, 2)
    assert clinic.lake_rows() == [(1, "A"), (3, "A"), (20, "forgotten")]


@pytest.mark.parametrize("moved_to", [at(2, 23), at(6, 23), at(9)], ids=["within", "looked back on", "later"])
def test_rows_of_the_window_that_were_changed_since_do_not_vanish(clinic: Clinic, moved_to: datetime) -> None:
    clinic.extract(6)
    clinic.put(2, "moved on", moved_to)
    again(clinic, Backfill("repair", day(2)))
    assert clinic.lake_rows() == [(1, "A"), (2, "moved on"), (3, "A"), (20, "forgotten")]


def test_what_earlier_runs_have_read_of_later_windows_is_not_read_again(clinic: Clinic) -> None:
    done = backfill_table(clinic.settings, clinic.source, "stay", Backfill("repair", day(2)), clinic.database)
    assert done.manifest.lake_rows == 2


def test_a_rehearsal_tells_the_same_and_changes_nothing(clinic: Clinic) -> None:
    before = clinic.lake_rows()
    bucket = clinic.settings.bucket("bronze")
    objects = Lake(clinic.settings).list(bucket)
    assert again(clinic, Backfill("try", day(2)), is_rehearsal=True) == (1, 0, 1, 2)
    assert clinic.lake_rows() == before
    assert Lake(clinic.settings).list(bucket) == objects


def test_the_same_backfill_again_finds_what_it_did(clinic: Clinic) -> None:
    first = backfill_table(clinic.settings, clinic.source, "stay", Backfill("repair", day(2)), clinic.database)
    second = backfill_table(clinic.settings, clinic.source, "stay", Backfill("repair", day(2)), clinic.database)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.manifest == second.manifest


def test_everything_can_be_read_again(clinic: Clinic) -> None:
    clinic.change("delete from adt.stay where id in (1, 3)")
    assert again(clinic, Backfill("all")) == (1, 2, 1, 0)
    assert clinic.lake_rows() == [(2, "corrected"), (20, "forgotten")]
    clinic.put(4, "new", at(4))
    clinic.extract(4)
    assert clinic.lake_rows() == [(2, "corrected"), (4, "new"), (20, "forgotten")]


def test_the_batch_that_read_the_table_from_its_start_keeps_its_rows(clinic: Clinic) -> None:
    again(clinic, Backfill("first day", day(1)))
    assert (1, "A") in clinic.lake_rows()


def test_a_window_without_batches_is_filled(clinic: Clinic) -> None:
    clinic.change("insert into adt.stay values (30, 'of december', %s)", at(1, 5).replace(month=1))
    done = extract_table(clinic.settings, clinic.source, "stay", day(9), clinic.database).manifest
    assert done.read_from is not None
    again(clinic, Backfill("gap", day(1)))
    assert (30, "of december") in clinic.lake_rows()


def test_a_row_that_commits_late_is_found_though_a_backfill_has_read_past_it(clinic: Clinic) -> None:
    again(clinic, Backfill("ahead", Window(at(4), at(8))))
    clinic.change("insert into adt.stay values (40, 'late', %s)", at(3, 23))
    clinic.extract(8)
    assert (40, "late") in clinic.lake_rows()


def test_a_number_that_was_wrong_does_not_hide_later_rows_once_all_was_read_again(
    settings: Settings, database: str
) -> None:
    clinic = Clinic(settings, database, stay_source(cursor={"column": "id"}))
    clinic.put(9_999_999, "a slip of the pen", at(1))
    clinic.extract(1)
    clinic.change("update adt.stay set id = 1")
    again(clinic, Backfill("all"))
    clinic.put(2, "later", at(2))
    clinic.extract(2)
    assert clinic.lake_rows() == [(1, "a slip of the pen"), (2, "later")]


def test_a_snapshot_has_no_past(settings: Settings, database: str) -> None:
    clinic = Clinic(settings, database, stay_source(mode="snapshot", cursor=None))
    with pytest.raises(PermanentError, match=r"clinic\.stay is a snapshot"):
        backfill_table(settings, clinic.source, "stay", Backfill("x", day(1)), database)


def test_the_command_prints_how_the_table_differs(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project" / "dags" / "sources"
    folder.mkdir(parents=True)
    (folder / "clinic.yaml").write_text(clinic.source.model_dump_json())
    for name, value in clinic.settings.environment().items():
        if name.startswith("WARDLAKE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("WARDLAKE_PROJECT_ROOT", str(tmp_path / "project"))
    monkeypatch.setenv("WARDLAKE_CONN_CLINIC_DB", clinic.database)
    monkeypatch.setenv("COLUMNS", "160")
    told = CliRunner().invoke(app, ["backfill", "clinic", "--window", "2026-01-02/2026-01-03"])
    assert told.exit_code == 0, told.output
    row = next(line for line in told.output.splitlines() if "stay" in line and "batches" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")][2:] == ["2", "1", "0", "1", "2", "1 batches"]
    assert (20, "forgotten") in clinic.lake_rows()
    refused = CliRunner().invoke(app, ["backfill", "clinic"])
    assert refused.exit_code != 0
