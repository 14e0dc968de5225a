"""Whole tables from a real MariaDB server: one moment, kind to the server, and faults that are told apart."""

import threading
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from clinic import DAY
from mariadb_server import Database
from mysql_clinic import INCREMENTAL, create_changing_wards, queries_of, rows_now, source_of, wards

from wardlake.bronze import batches, extract_table, extract_tables
from wardlake.bronze.extract import Extraction
from wardlake.bronze.readers import mysql
from wardlake.bronze.relation import Opening
from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.sources.connections import MySqlConnection
from wardlake.warehouse import connect


def create_wards(mariadb: Database, rows: int = 3) -> None:
    mariadb.run(
        "CREATE TABLE ward (id INT PRIMARY KEY, name VARCHAR(200))",
        f"INSERT INTO ward SELECT seq, concat('ward ', seq) FROM seq_1_to_{rows}",
    )


def committed(settings: Settings, table: str = "ward") -> int:
    return len(batches(settings, Lake(settings), "clinic", table))


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
