"""Tables of which each batch reads what changed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from bronze.stays import Clinic, at, stay_source

from wardlake.bronze import extract_table
from wardlake.settings import Settings
from wardlake.window import Window


@pytest.fixture
def clinic(settings: Settings, database: str) -> Clinic:
    """Three stays, all changed on the first day."""
    clinic = Clinic(settings, database, stay_source())
    for number in (1, 2, 3):
        clinic.put(number, "A", at(1, number))
    return clinic


def test_a_day_brings_what_changed_and_the_table_is_what_the_source_has(clinic: Clinic) -> None:
    assert clinic.extract(1) == 3
    clinic.put(2, "B", at(2, 8))
    clinic.put(4, "C", at(2, 9))
    assert clinic.extract(2) == 2
    assert clinic.lake_rows() == [(1, "A"), (2, "B"), (3, "A"), (4, "C")]


def test_rows_at_the_very_end_of_a_window_are_in_the_next_one(clinic: Clinic) -> None:
    clinic.put(5, "tie", at(2))
    clinic.put(6, "tie", at(2))
    assert clinic.extract(1) == 3
    assert clinic.extract(2) == 2
    assert (5, "tie") in clinic.lake_rows()


def test_a_row_that_commits_late_is_found_within_the_look_back(clinic: Clinic) -> None:
    clinic.extract(1)
    clinic.put(7, "late", at(1, 23))
    clinic.put(8, "too late", at(1, 21))
    clinic.extract(2)
    assert (7, "late") in clinic.lake_rows()
    assert (8, "too late") not in clinic.lake_rows()


def test_rows_without_a_cursor_are_read_each_time_and_stay_single(clinic: Clinic) -> None:
    clinic.put(9, "unknown", None)
    clinic.extract(1)
    clinic.put(9, "still unknown", None)
    clinic.extract(2)
    assert [row for row in clinic.lake_rows() if row[0] == 9] == [(9, "still unknown")]


def test_rows_without_a_key_are_kept_for_the_suite_to_judge(clinic: Clinic) -> None:
    clinic.change("insert into adt.stay values (null, 'A', %s), (null, 'B', %s)", at(1), at(1))
    clinic.extract(1)
    assert [row for row in clinic.lake_rows() if row[0] is None] == [(None, "A"), (None, "B")]


def test_rows_without_a_key_that_are_read_twice_stay_as_many_as_the_source_has(clinic: Clinic) -> None:
    late = at(1, 23)
    clinic.change("insert into adt.stay values (null, 'A', %s), (null, 'A', null), (null, 'B', null)", late)
    clinic.extract(1)
    clinic.change("insert into adt.stay values (null, 'A', %s), (null, 'C', %s)", late, at(2, 1))
    clinic.extract(2)
    clinic.extract(3)
    wards = [ward for key, ward in clinic.lake_rows() if key is None]
    assert wards == ["A", "A", "A", "B", "C"]


def test_a_key_that_the_source_has_twice_is_not_made_single(clinic: Clinic) -> None:
    clinic.change("insert into adt.stay values (1, 'twice', %s)", at(1, 5))
    clinic.extract(1)
    assert [row for row in clinic.lake_rows() if row[0] == 1] == [(1, "A"), (1, "twice")]


def test_days_that_were_skipped_are_caught_up(clinic: Clinic) -> None:
    clinic.extract(1)
    clinic.put(10, "on day 3", at(3))
    clinic.extract(6)
    assert (10, "on day 3") in clinic.lake_rows()


def test_deleted_rows_go_where_keys_are_compared(settings: Settings, database: str) -> None:
    clinic = Clinic(settings, database, stay_source(deletes="compare_keys"))
    for number in (1, 2, 3):
        clinic.put(number, "A", at(1, number))
    clinic.extract(1)
    clinic.change("delete from adt.stay where id = 2")
    assert clinic.extract(2) == 0
    assert clinic.lake_rows() == [(1, "A"), (3, "A")]
    clinic.change("delete from adt.stay")
    clinic.extract(3)
    assert clinic.lake_rows() == []
    clinic.put(2, "back", at(4, 1))
    clinic.extract(4)
    assert clinic.lake_rows() == [(2, "back")]


def test_a_number_as_cursor(settings: Settings, database: str) -> None:
    clinic = Clinic(settings, database, stay_source(cursor={"column": "id"}))
    clinic.put(1, "A", at(1))
    clinic.put(2, "A", at(1))
    assert clinic.extract(1) == 2
    clinic.put(3, "B", at(1))
    assert clinic.extract(2) == 2  # the greatest one is read again: another row may have had the same number
    assert clinic.lake_rows() == [(1, "A"), (2, "A"), (3, "B")]


def test_what_changes_after_a_run_in_the_middle_of_its_window_is_for_the_next_one(clinic: Clinic) -> None:
    midnight = datetime.now(UTC) + timedelta(days=1)
    for window in (Window(midnight - timedelta(days=2), midnight), Window(midnight, midnight + timedelta(days=1))):
        extract_table(clinic.settings, clinic.source, "stay", window, clinic.database)
        clinic.put(4, "after the run", datetime.now(UTC))
    assert (4, "after the run") in clinic.lake_rows()


def test_what_commits_while_the_snapshot_is_taken_is_for_the_next_run(settings: Settings, database: str) -> None:
    clinic = Clinic(settings, database, stay_source(cursor={"column": "changed", "look_back": timedelta(0)}))
    clinic.change("create schema slow")
    clinic.change(
        """
        create function slow.pg_export_snapshot() returns text language plpgsql as $$
        begin perform pg_advisory_lock_shared(1); return pg_catalog.pg_export_snapshot(); end $$
        """
    )
    midnight = datetime.now(UTC) + timedelta(days=1)
    with psycopg.connect(database, autocommit=True) as other, ThreadPoolExecutor(1) as pool:
        name = other.info.dbname
        other.execute(f'alter database "{name}" set search_path = slow, pg_catalog, public')  # type: ignore[arg-type]
        other.execute("select pg_advisory_lock(1)")
        window = Window(midnight - timedelta(days=2), midnight)
        run = pool.submit(extract_table, settings, clinic.source, "stay", window, database)
        while not other.execute("select from pg_locks where locktype = 'advisory' and not granted").fetchall():
            assert not run.done()
        other.execute("insert into adt.stay values (1, 'in between', clock_timestamp())")
        other.execute("select pg_advisory_unlock(1)")
        assert run.result().manifest.lake_rows == 0
    extract_table(settings, clinic.source, "stay", Window(midnight, midnight + timedelta(days=1)), database)
    assert clinic.lake_rows() == [(1, "in between")]


def test_of_snapshots_the_one_counts_that_was_taken_last_whatever_its_window(settings: Settings, database: str) -> None:
    clinic = Clinic(settings, database, stay_source(mode="snapshot", cursor=None))
    clinic.put(1, "A", at(1))
    clinic.extract(5)
    clinic.put(1, "B", at(2))
    clinic.extract(3)
    assert clinic.lake_rows() == [(1, "B")]
