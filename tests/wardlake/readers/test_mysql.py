"""Whole tables from a real MariaDB server: one moment, only what changed, and faults that are told apart."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from clinic import DAY, NEXT_DAY
from mariadb_server import Database
from mysql_clinic import rows_now, source_of

from wardlake.bronze import Backfill, backfill_table, batches, extract_table, extract_tables
from wardlake.bronze.extract import Extraction
from wardlake.bronze.readers import mysql
from wardlake.bronze.relation import Opening
from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.sources.connections import MySqlConnection
from wardlake.warehouse import connect
from wardlake.window import Window


def wards(**spec: Any) -> Source:
    """A source with the table `ward`."""
    return source_of({"ward": {"columns": {"id": "INTEGER", "name": "VARCHAR"}, **spec}})


def create_wards(mariadb: Database, rows: int = 3) -> None:
    mariadb.run(
        "CREATE TABLE ward (id INT PRIMARY KEY, name VARCHAR(200))",
        f"INSERT INTO ward SELECT seq, concat('ward ', seq) FROM seq_1_to_{rows}",
    )


def committed(settings: Settings, table: str = "ward") -> int:
    return len(batches(settings, Lake(settings), "clinic", table))


@contextmanager
def queries_of(mariadb: Database) -> Iterator[list[str]]:
    """What this database's user asks the server for meanwhile; filled at the end."""
    mariadb.run("SET GLOBAL log_output = 'TABLE'", "TRUNCATE mysql.general_log", "SET GLOBAL general_log = 1")
    asked: list[str] = []
    try:
        yield asked
    finally:
        mariadb.run("SET GLOBAL general_log = 0")
        found = mariadb.run(
            "SELECT CAST(argument AS CHAR) FROM mysql.general_log WHERE command_type = 'Execute' "
            f"AND user_host LIKE '{mariadb.user}%'"
        )
        asked += [str(argument) for (argument,) in found]


def test_a_table_becomes_one_batch_on_whose_figures_both_sides_agree(settings: Settings, mariadb: Database) -> None:
    create_wards(mariadb)
    extraction = extract_table(settings, wards(), "ward", DAY, mariadb.uri)
    manifest = extraction.manifest
    assert (manifest.source_rows, manifest.lake_rows) == (3, 3)
    assert manifest.checksum is not None
    assert rows_now(settings, wards(), "ward", "id, name, _row_id") == [
        (1, "ward 1", 1),
        (2, "ward 2", 2),
        (3, "ward 3", 3),
    ]


def test_the_snapshot_is_named_by_the_servers_time_and_its_binary_log(settings: Settings, mariadb: Database) -> None:
    create_wards(mariadb)
    before = datetime.now(UTC) - timedelta(seconds=1)
    snapshot = extract_table(settings, wards(), "ward", DAY, mariadb.uri).manifest.snapshot or ""
    clock, _, log = snapshot.partition(" binlog ")
    assert before <= datetime.fromisoformat(clock) <= datetime.now(UTC) + timedelta(seconds=1)
    name, position = log.split(":")
    assert name.split(".")[-1].isdigit()
    assert int(position) > 0


def test_a_table_without_rows_is_an_empty_batch(settings: Settings, mariadb: Database) -> None:
    mariadb.run("CREATE TABLE ward (id INT PRIMARY KEY, name VARCHAR(200))")
    assert extract_table(settings, wards(), "ward", DAY, mariadb.uri).manifest.lake_rows == 0


def test_a_relation_may_name_its_database_and_be_a_view(settings: Settings, mariadb: Database) -> None:
    create_wards(mariadb)
    mariadb.run("CREATE VIEW all_wards AS SELECT id, concat(name, '!') AS name FROM ward")
    source = wards(relation=f"{mariadb.name}.all_wards")
    extract_table(settings, source, "ward", DAY, mariadb.uri)
    assert rows_now(settings, source, "ward", "name") == [("ward 1!",), ("ward 2!",), ("ward 3!",)]


def test_a_socket_is_an_address_too(settings: Settings, mariadb: Database) -> None:
    create_wards(mariadb)
    mariadb.run(
        f"CREATE USER {mariadb.user}@localhost IDENTIFIED BY 'pw'",
        f"GRANT SELECT ON {mariadb.name}.* TO {mariadb.user}@localhost",
    )
    socket = quote(str(mariadb.server.socket), safe="")
    uri = f"mysql://{mariadb.user}:pw@localhost/{mariadb.name}?unix_socket={socket}"
    try:
        assert extract_table(settings, wards(), "ward", DAY, uri).manifest.lake_rows == 3
    finally:
        mariadb.run(f"DROP USER {mariadb.user}@localhost")


def test_all_tables_show_one_moment_while_a_writer_goes_on(settings: Settings, mariadb: Database) -> None:
    columns = {"id": "BIGINT", "name": "VARCHAR"}
    source = source_of({"first": {"columns": columns}, "second": {"columns": columns, "keys": ["name"]}})
    for table in ("first", "second"):
        mariadb.run(
            f"CREATE TABLE {table} (id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40))",
            f"INSERT INTO {table} (name) SELECT seq FROM seq_1_to_50000",
        )
    stop, wrote = threading.Event(), threading.Event()

    def keep_writing() -> None:
        with mariadb.server.connect(mariadb.name) as connection, connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("BEGIN")
                cursor.execute("INSERT INTO first (name) VALUES (uuid())")
                cursor.execute("INSERT INTO second (name) VALUES (uuid())")
                cursor.execute("UPDATE first SET name = 'again' WHERE id = 1")
                cursor.execute("COMMIT")
                wrote.set()

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        wrote.wait(30)
        ended = extract_tables(settings, source, ["first", "second"], DAY, mariadb.uri)
    finally:
        stop.set()
        writer.join()
    first, second = (ended[name] for name in ("first", "second"))
    assert isinstance(first, Extraction), first
    assert isinstance(second, Extraction), second
    assert first.manifest.snapshot == second.manifest.snapshot
    assert first.manifest.lake_rows == first.manifest.source_rows == second.manifest.lake_rows > 50_000
    assert mariadb.run("SELECT count(*) FROM first")[0][0] > first.manifest.lake_rows


INCREMENTAL = {
    "columns": {"id": "INTEGER", "name": "VARCHAR", "changed": "TIMESTAMP WITH TIME ZONE"},
    "mode": "incremental",
    "cursor": {"column": "changed", "look_back": timedelta(0), "timezone": "UTC"},
}
TIES = "2026-01-01 23:59:59.5"


def create_changing_wards(mariadb: Database, key: str = "id INT PRIMARY KEY") -> None:
    mariadb.run(
        f"CREATE TABLE ward ({key}, name VARCHAR(200), changed TIMESTAMP(6) NULL, INDEX (changed))",
        f"INSERT INTO ward VALUES (1, 'old', '2025-06-01'), (2, 'tie', '{TIES}'), (3, 'tie', '{TIES}')",
        "INSERT INTO ward VALUES (4, 'unknown', NULL), (5, 'next', '2026-01-02 00:00:00')",
    )


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


def test_one_connection_is_used_that_may_not_write_and_speaks_utc(settings: Settings, mariadb: Database) -> None:
    create_changing_wards(mariadb)
    with queries_of(mariadb) as asked:
        extract_table(settings, wards(**INCREMENTAL), "ward", DAY, mariadb.uri)
    assert "SET TIME_ZONE = '+00:00'" in asked
    log = mariadb.run(
        f"SELECT CAST(argument AS CHAR), thread_id FROM mysql.general_log WHERE user_host LIKE '%{mariadb.user}%'"
    )
    assert ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY") in [text for text, _ in log]
    assert len({thread for _, thread in log}) == 1


def test_the_server_does_not_compress(settings: Settings, mariadb: Database) -> None:
    create_wards(mariadb)
    with connect(settings) as engine:
        opening = Opening(settings, Lake(settings), wards(), mariadb.uri, engine)
        with mysql.session(opening) as session:
            assert session.server.rows("SHOW STATUS LIKE 'Compression'") == [("Compression", "OFF")]


def test_only_the_count_is_compared_if_the_yaml_says_so(settings: Settings, mariadb: Database) -> None:
    create_wards(mariadb)
    assert extract_table(settings, wards(reconcile="count"), "ward", DAY, mariadb.uri).manifest.checksum is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"password": "wrong-pw"}, "refused the login of connection 'clinic_db'"),
        ({"user": "nobody"}, "refused the login of connection 'clinic_db'"),
        ({"name": "no_such_database"}, "database that connection 'clinic_db' names does not exist"),
    ],
)
def test_a_login_that_fails_says_what_is_wrong(
    settings: Settings, mariadb: Database, changes: dict[str, str], told: str
) -> None:
    with pytest.raises(PermanentError, match=told) as raised:
        extract_table(settings, wards(), "ward", DAY, mariadb.changed(**changes))
    assert "wrong-pw" not in str(raised.value)
    assert mariadb.password not in str(raised.value)


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("postgresql://u:secret@h/d", "lacks mysql://"),
        ("mysql://127.0.0.1/d", "lacks a user"),
        ("mysql://u:secret@h:3306", "lacks a database"),
        ("mysql://u:secret@h:port/d", "cannot be read"),
        ("mysql://u:secret@h/d?sslmode=off", "options that are not known: sslmode"),
    ],
)
def test_an_address_that_is_none_is_told_without_its_password(settings: Settings, uri: str, told: str) -> None:
    with pytest.raises(PermanentError, match=told) as raised:
        extract_table(settings, wards(), "ward", DAY, uri)
    assert "secret" not in str(raised.value)


def test_a_server_that_does_not_answer_is_a_passing_fault(settings: Settings) -> None:
    with pytest.raises(PassingError, match="clinic: the server of connection 'clinic_db' cannot be reached") as raised:
        extract_table(settings, wards(), "ward", DAY, "mysql://reader:secret-pw@127.0.0.1:9/hospital")
    assert "secret-pw" not in str(raised.value)


def test_a_missing_table_is_named_and_does_not_stop_the_others(settings: Settings, mariadb: Database) -> None:
    create_wards(mariadb)
    columns = {"id": "INTEGER", "name": "VARCHAR"}
    source = source_of({"bed": {"columns": columns}, "ward": {"columns": columns}})
    ended = extract_tables(settings, source, ["bed", "ward"], DAY, mariadb.uri)
    assert isinstance(ended["bed"], PermanentError)
    assert f"no table {mariadb.name}.bed that this user can see" in str(ended["bed"])
    assert isinstance(ended["ward"], Extraction)


def test_a_table_without_rights_is_told_the_grant(settings: Settings, mariadb: Database) -> None:
    create_wards(mariadb)
    mariadb.run(f"REVOKE SELECT ON {mariadb.name}.* FROM {mariadb.user}@'127.0.0.1'")
    mariadb.run("CREATE TABLE other (id INT)", f"GRANT SELECT ON other TO {mariadb.user}@'127.0.0.1'")
    with pytest.raises(PermanentError, match=rf"GRANT SELECT ON {mariadb.name}\.ward"):
        extract_table(settings, wards(), "ward", DAY, mariadb.uri)


def test_tables_whose_names_differ_in_case_only_are_refused(settings: Settings, mariadb: Database) -> None:
    create_wards(mariadb)
    mariadb.run("CREATE TABLE WARD (id INT PRIMARY KEY, name VARCHAR(20))")
    with pytest.raises(PermanentError, match="differ in case only"):
        extract_table(settings, wards(), "ward", DAY, mariadb.uri)


def test_a_statement_that_takes_too_long_is_ended_by_the_server(settings: Settings, mariadb: Database) -> None:
    mariadb.run("CREATE VIEW ward AS SELECT seq AS id, concat('w', sleep(0.05)) AS name FROM seq_1_to_1000")
    source = wards(columns={"id": "UBIGINT", "name": "VARCHAR"})
    hasty = MySqlConnection(kind="mysql", conn_id="clinic_db", statement_timeout_s=1)
    source = source.model_copy(update={"connection": hasty})
    with pytest.raises(PassingError, match="longer than statement_timeout_s"):
        extract_table(settings, source, "ward", DAY, mariadb.uri)
    assert committed(settings) == 0


def slow_wards(mariadb: Database) -> Source:
    """Rows that take half a minute to come."""
    mariadb.run("CREATE VIEW ward AS SELECT seq AS id, concat('w', sleep(0.01)) AS name FROM seq_1_to_3000")
    return wards(columns={"id": "UBIGINT", "name": "VARCHAR"})


def connection_that_reads(mariadb: Database) -> int:
    """Wait for a connection of the reader that sends rows."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = mariadb.run(
            f"SELECT id FROM information_schema.processlist WHERE user = '{mariadb.user}' AND info LIKE '%`ward`%'"
        )
        if found:
            return int(str(found[0][0]))
    raise AssertionError("nobody reads")


def test_a_connection_that_is_killed_in_mid_stream_is_a_passing_fault_and_no_batch(
    settings: Settings, mariadb: Database
) -> None:
    source = slow_wards(mariadb)
    killer = threading.Thread(target=lambda: mariadb.run(f"KILL {connection_that_reads(mariadb)}"))
    killer.start()
    with pytest.raises(PassingError, match=r"clinic\.ward: the server of connection 'clinic_db' broke off"):
        extract_table(settings, source, "ward", DAY, mariadb.uri)
    killer.join()
    assert committed(settings) == 0


def test_a_server_that_restarts_in_mid_stream_is_a_passing_fault_and_the_retry_is_whole(
    settings: Settings, mariadb: Database
) -> None:
    source = slow_wards(mariadb)

    def restart() -> None:
        connection_that_reads(mariadb)
        mariadb.server.stop()

    stopper = threading.Thread(target=restart)
    stopper.start()
    try:
        with pytest.raises(PassingError):
            extract_table(settings, source, "ward", DAY, mariadb.uri)
    finally:
        stopper.join()
        mariadb.server.start()
    assert committed(settings) == 0
    mariadb.run("DROP VIEW ward", "CREATE TABLE ward AS SELECT seq AS id, 'w' AS name FROM seq_1_to_3000")
    assert extract_table(settings, source, "ward", DAY, mariadb.uri).manifest.lake_rows == 3000


def test_a_window_that_begins_before_the_epoch_of_timestamps_reads_all(settings: Settings, mariadb: Database) -> None:
    create_changing_wards(mariadb)
    window = Window.of_day(date(1960, 1, 1))
    assert extract_table(settings, wards(**INCREMENTAL), "ward", window, mariadb.uri).manifest.lake_rows == 1
