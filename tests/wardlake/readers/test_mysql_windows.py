"""Windows of a table on a real MariaDB server: what changed, rows without a cursor, deletes, backfills."""

from datetime import date, timedelta

import pytest
from clinic import DAY, NEXT_DAY
from mariadb_server import Database
from mysql_clinic import INCREMENTAL, create_changing_wards, queries_of, rows_now, wards

from wardlake.bronze import Backfill, backfill_table, extract_table
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.warehouse import connect
from wardlake.window import Window


@pytest.mark.parametrize("key", ["id INT PRIMARY KEY", "id INT"])
def test_a_later_batch_reads_its_window_and_the_rows_without_a_cursor(
    settings: Settings, mariadb: Database, key: str
) -> None:
    create_changing_wards(mariadb, key)
    source = wards(**INCREMENTAL)
    first = extract_table(settings, source, "ward", DAY, mariadb.uri).manifest
    assert first.source_rows == first.lake_rows == 4
    mariadb.run(
        "UPDATE ward SET name = 'changed', changed = '2026-01-02 12:00:00' WHERE id = 2",
        "INSERT INTO ward VALUES (6, 'late', NULL), (7, 'too late', '2026-01-03 00:00:00')",
    )
    second = extract_table(settings, source, "ward", NEXT_DAY, mariadb.uri).manifest
    assert second.source_rows == second.lake_rows == 4
    assert second.checksum is not None
    with connect(settings) as engine:
        urls = [Lake.url(settings.bucket("bronze"), file.key) for file in second.files]
        read = engine.execute(f"SELECT id FROM read_parquet({urls}) ORDER BY id").fetchall()
    assert read == [(2,), (4,), (5,), (6,)]
    assert rows_now(settings, source, "ward", "id, name") == [
        (1, "old"), (2, "changed"), (3, "tie"), (4, "unknown"), (5, "next"), (6, "late"),
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["id INT PRIMARY KEY", "id INT"])
def test_a_backfill_reads_its_window_and_what_changed_since_the_last_run(
    settings: Settings, mariadb: Database, key: str
) -> None:
    create_changing_wards(mariadb, key)
    mariadb.run("INSERT INTO ward VALUES (6, 'third day', '2026-01-03 12:00:00')")
    source = wards(**INCREMENTAL)
    for number in (1, 2, 3):
        extract_table(settings, source, "ward", Window.of_day(date(2026, 1, number)), mariadb.uri)
    mariadb.run("UPDATE ward SET name = 'changed', changed = '2026-01-05 12:00:00' WHERE id = 5")
    mariadb.run("INSERT INTO ward VALUES (7, 'forgotten', '2026-01-02 12:00:00')")
    done = backfill_table(settings, source, "ward", Backfill("again", NEXT_DAY), mariadb.uri).manifest
    assert done.source_rows == done.lake_rows == 3
    assert rows_now(settings, source, "ward", "id, name") == [
        (1, "old"), (2, "tie"), (3, "tie"), (4, "unknown"), (5, "changed"), (6, "third day"), (7, "forgotten"),
    ]  # fmt: skip


def test_the_window_is_filtered_by_the_server(settings: Settings, mariadb: Database) -> None:
    create_changing_wards(mariadb)
    source = wards(**INCREMENTAL)
    extract_table(settings, source, "ward", DAY, mariadb.uri)
    with queries_of(mariadb) as asked:
        extract_table(settings, source, "ward", NEXT_DAY, mariadb.uri)
    reads = [query for query in asked if f"FROM `{mariadb.name}`.`ward`" in query and "count(*)" not in query]
    assert len(reads) == 3, reads
    assert all("WHERE" in query for query in reads), reads
    assert any("2026-01-02" in query and "2026-01-03" in query for query in reads), reads


@pytest.mark.parametrize(
    ("kind", "type_", "values"),
    [
        ("DATE", "DATE", ("'2026-01-01'", "'2026-01-02'")),
        ("DATETIME(6)", "TIMESTAMP", ("'2026-01-01 10:00:00.25'", "'2026-01-02 10:00:00'")),
        ("BIGINT", "BIGINT", ("10", "11")),
        ("DECIMAL(12,2)", "DECIMAL(12,2)", ("10.25", "10.26")),
    ],
)
def test_a_cursor_may_be_a_date_a_local_time_or_a_number(
    settings: Settings, mariadb: Database, kind: str, type_: str, values: tuple[str, str]
) -> None:
    mariadb.run(
        f"CREATE TABLE ward (id INT PRIMARY KEY, name VARCHAR(20), changed {kind})",
        f"INSERT INTO ward VALUES (1, 'a', {values[0]})",
    )
    columns = INCREMENTAL["columns"] | {"changed": type_}  # type: ignore[operator]
    cursor = {"column": "changed", "look_back": timedelta(0)}
    source = wards(columns=columns, mode="incremental", cursor=cursor)
    extract_table(settings, source, "ward", DAY, mariadb.uri)
    mariadb.run(f"INSERT INTO ward VALUES (2, 'b', {values[1]})", "DELETE FROM ward WHERE id = 1")
    second = extract_table(settings, source, "ward", NEXT_DAY, mariadb.uri).manifest
    assert second.lake_rows == second.source_rows == 1
    assert rows_now(settings, source, "ward", "id") == [(1,), (2,)]


def test_rows_that_were_deleted_are_found_by_comparing_keys(settings: Settings, mariadb: Database) -> None:
    create_changing_wards(mariadb)
    source = wards(**INCREMENTAL, deletes="compare_keys")
    extract_table(settings, source, "ward", DAY, mariadb.uri)
    mariadb.run("DELETE FROM ward WHERE id = 1")
    with queries_of(mariadb) as asked:
        extract_table(settings, source, "ward", NEXT_DAY, mariadb.uri)
    assert f"SELECT `id` FROM `{mariadb.name}`.`ward`" in asked
    assert rows_now(settings, source, "ward", "id") == [(2,), (3,), (4,), (5,)]


def test_a_window_that_begins_before_the_epoch_of_timestamps_reads_all(settings: Settings, mariadb: Database) -> None:
    create_changing_wards(mariadb)
    window = Window.of_day(date(1960, 1, 1))
    assert extract_table(settings, wards(**INCREMENTAL), "ward", window, mariadb.uri).manifest.lake_rows == 1
