"""Databases read through ADBC: a real PostgreSQL server."""

import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from clinic import DAY, FACILITY, NEXT_DAY

from wardlake.bronze import batches, current_batches, extract_table
from wardlake.bronze.current import current_query
from wardlake.bronze.extract import extract_tables
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect


def source_of(columns: dict[str, str], connection: dict[str, object] | None = None, **table: object) -> Source:
    """A source of kind adbc with the table `result`, and `twin` of the same columns; `columns` are name to type."""
    spec = {
        "description": "Results.",
        "keys": [next(iter(columns))],
        "columns": {name: {"type": type_, "pii": "none"} for name, type_ in columns.items()},
        **table,
    }
    return Source.model_validate(
        {
            "name": "lab",
            "description": "Laboratory.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {
                "kind": "adbc",
                "conn_id": "lab_db",
                "driver": "adbc_driver_postgresql",
                **(connection or {}),
            },
            "provides": ["observations"],
            "tables": {"result": {**spec, "relation": "lab.result"}, "twin": {**spec, "relation": "lab.twin"}},
        }
    )


def run(address: str, *statements: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("create schema if not exists lab")
        connection.execute("set search_path = lab")
        for statement in statements:
            connection.execute(statement)


def rows(settings: Settings, source: Source, table: str = "result") -> list[tuple[object, ...]]:
    """What the table is now."""
    spec = source.tables[table]
    query = current_query(settings, spec, current_batches(settings, Lake(settings), source, table))
    with connect(settings) as engine:
        listed = ", ".join(f'"{name}"' for name in spec.columns)
        return engine.execute(f"select {listed} from ({query}) order by 1").fetchall()


EVERY_TYPE = {
    "id": ("bigint", "BIGINT", "1", 1),
    "small": ("smallint", "SMALLINT", "-2", -2),
    "flag": ("boolean", "BOOLEAN", "true", True),
    "price": ("numeric(12,2)", "DECIMAL(12,2)", "'9999999999.99'", Decimal("9999999999.99")),
    "free": ("numeric", "DECIMAL(38,10)", "'-0.5'", Decimal("-0.5000000000")),
    "text_number": ("numeric", "VARCHAR", "'1.2300'", "1.2300"),
    "ratio": ("double precision", "DOUBLE", "0.1", 0.1),
    "born": ("date", "DATE", "'1900-02-28'", date(1900, 2, 28)),
    "taken": ("timestamp", "TIMESTAMP", "'2026-03-29 02:30:00'", datetime.fromisoformat("2026-03-29T02:30:00")),
    "sent": (
        "timestamptz",
        "TIMESTAMP WITH TIME ZONE",
        "'2026-01-01 12:00+02'",
        datetime(2026, 1, 1, 10, tzinfo=UTC),
    ),
    "zoned_clock": ("timetz", "VARCHAR", "'10:00+02'", "10:00:00+02"),
    "padded": ("char(5)", "VARCHAR", "'ab'", "ab   "),
    "note": ("text", "VARCHAR", "E'a\\n%s;\"'", 'a\n%s;"'),
    "scan": ("bytea", "BLOB", "'\\x00ff'", b"\x00\xff"),
    "doc": ("jsonb", "VARCHAR", "'{\"dose\":  1.10}'", '{"dose": 1.10}'),
    "codes": ("text[]", "VARCHAR[]", "'{a,NULL}'", ["a", None]),
    "mood": ("mood", "VARCHAR", "'calm'", "calm"),
    "place": ("inet", "VARCHAR", "'10.0.0.1'", "10.0.0.1/32"),
    'odd "%s': ("int", "INTEGER", "5", 5),
}


def test_every_type_arrives_whole(settings: Settings, database: str) -> None:
    listed = ", ".join('"' + name.replace('"', '""') + f'" {type_}' for name, (type_, *_) in EVERY_TYPE.items())
    run(
        database,
        "create type mood as enum ('calm', 'upset')",
        f"create table result ({listed})",
        f"insert into result values ({', '.join(value for _, _, value, _ in EVERY_TYPE.values())})",
        "insert into result (id) values (2)",
    )
    source = source_of({name: type_ for name, (_, type_, *_) in EVERY_TYPE.items()})
    manifest = extract_table(settings, source, "result", DAY, database).manifest
    assert manifest.source_rows == 2
    assert manifest.checksum
    with connect(settings) as engine:
        query = current_query(settings, source.tables["result"], [manifest])
        full, empty = engine.execute(f"select * from ({query}) order by id").fetchall()
    assert full[: len(EVERY_TYPE)] == tuple(value for *_, value in EVERY_TYPE.values())
    assert empty[: len(EVERY_TYPE)] == (2, *(None for _ in EVERY_TYPE))[: len(EVERY_TYPE)]


def test_two_tables_show_one_moment_while_others_write(settings: Settings, database: str) -> None:
    run(
        database,
        "create table result (id int, note text)",
        "insert into result select i, repeat('x', 50) from generate_series(1, 20000) i",
        "create table twin as select * from result",
    )
    source = source_of({"id": "INTEGER", "note": "VARCHAR"})
    stop = threading.Event()

    def keep_writing() -> None:
        with psycopg.connect(database) as connection:
            while not stop.is_set():
                for table in ("result", "twin"):
                    connection.execute(f"insert into lab.{table} values (0, 'new')")
                connection.commit()

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        ended = extract_tables(settings, source, ["result", "twin"], DAY, database)
    finally:
        stop.set()
        writer.join()
    first, second = (ended[table].manifest for table in ("result", "twin"))
    assert first.source_rows == second.source_rows == second.lake_rows >= 20_000
    assert first.snapshot == second.snapshot
    assert first.snapshot


@pytest.mark.parametrize("type_", ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DATE"])
def test_changes_are_read_with_ties_rows_without_cursor_and_deletes(
    settings: Settings, database: str, type_: str
) -> None:
    run(
        database,
        f"create table result (id int primary key, note text, changed {type_})",
        "insert into result values (1, 'old', '2025-12-01 10:00'), (2, 'tie', '2026-01-01 10:00'), "
        "(3, 'tie', '2026-01-01 10:00'), (4, 'undated', null), (5, 'later', '2026-01-02 10:00')",
    )
    source = source_of(
        {"id": "INTEGER", "note": "VARCHAR", "changed": type_},
        mode="incremental",
        deletes="compare_keys",
        cursor={"column": "changed", "timezone": "UTC"},
    )
    assert extract_table(settings, source, "result", DAY, database).manifest.lake_rows == 4
    run(
        database,
        "delete from result where id = 1",
        "update result set note = 'new', changed = '2026-01-02 00:00' where id in (2, 3)",
    )
    assert extract_table(settings, source, "result", NEXT_DAY, database).manifest.lake_rows == 4
    found = [(key, note) for key, note, _ in rows(settings, source)]
    assert found == [(2, "new"), (3, "new"), (4, "undated"), (5, "later")]


def failure(settings: Settings, source: Source, address: str) -> WardlakeError:
    with pytest.raises(WardlakeError) as raised:
        extract_table(settings, source, "result", DAY, address)
    assert batches(settings, Lake(settings), "lab", "result") == []
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None, "a cause is printed in the log, with its text"
    return raised.value


ID = {"id": "INTEGER"}


def test_a_driver_that_is_not_installed(settings: Settings, database: str) -> None:
    error = failure(settings, source_of(ID, {"driver": "adbc_driver_snowflake"}), database)
    assert isinstance(error, PermanentError)
    assert "pip install adbc-driver-snowflake" in str(error)


def test_a_server_that_does_not_answer(settings: Settings) -> None:
    error = failure(settings, source_of(ID), "postgresql://u:secret@127.0.0.1:9/x")
    assert isinstance(error, PassingError)
    assert "lab: the database of connection 'lab_db' cannot be reached" in str(error)


def test_a_login_or_a_database_that_is_refused(settings: Settings, database: str) -> None:
    error = failure(settings, source_of(ID), database.replace("postgres:@", "nobody:secret@"))
    assert isinstance(error, PermanentError)
    assert "refused the login" in str(error)
    error = failure(settings, source_of(ID), database.replace("/test_", "/nowhere_"))
    assert isinstance(error, PermanentError)
    assert "names does not exist" in str(error)


def test_a_table_that_is_not_there_does_not_stop_the_next(settings: Settings, database: str) -> None:
    run(database, "create table twin as select 1 as id")
    ended = extract_tables(settings, source_of(ID), ["result", "twin"], DAY, database)
    assert "no table lab.result that this user can see" in str(ended["result"])
    assert rows(settings, source_of(ID), "twin") == [(1,)]


def test_a_table_that_the_user_may_not_read(settings: Settings, database: str) -> None:
    run(
        database, "create table result (id int)", "create role adbc_reader login", "grant usage on schema lab to public"
    )
    try:
        error = failure(settings, source_of(ID), database.replace("postgres:@", "adbc_reader@"))
    finally:
        run(database, "drop role adbc_reader")
    assert isinstance(error, PermanentError)
    assert "GRANT SELECT ON lab.result" in str(error)


def test_a_statement_that_takes_too_long(settings: Settings, database: str) -> None:
    run(database, "create view result as select 1 as id, pg_sleep(30)::text as note")
    source = source_of({"id": "INTEGER", "note": "VARCHAR"}, {"statement_timeout_s": 1})
    error = failure(settings, source, database)
    assert isinstance(error, PassingError)
    assert "took longer than 'statement_timeout_s'" in str(error)


def test_a_connection_that_breaks_in_mid_stream_passes(settings: Settings, database: str) -> None:
    run(
        database,
        """
        create function break_off(id int) returns text language plpgsql volatile as $$
        begin
            if id = 500 then perform pg_terminate_backend(pg_backend_pid()); end if;
            return 'secret';
        end $$
        """,
        "create view result as select i as id, lab.break_off(i) as note from generate_series(1, 1000) i",
    )
    error = failure(settings, source_of({"id": "INTEGER", "note": "VARCHAR"}), database)
    assert isinstance(error, PassingError)


@pytest.mark.parametrize(
    ("type_", "value"), [("DECIMAL(38,10)", "1.23456789012"), ("DECIMAL(5,0)", "123456"), ("DECIMAL(5,2)", "'NaN'")]
)
def test_a_number_that_its_column_cannot_hold(settings: Settings, database: str, type_: str, value: str) -> None:
    run(database, "create table result (id int, value numeric)", f"insert into result values (1, null), (2, {value})")
    error = failure(settings, source_of({"id": "INTEGER", "value": type_}), database)
    assert isinstance(error, PermanentError)
    assert "column 'value' holds a value that is no decimal128" in str(error)
    assert "in row 2" in str(error)
    assert value.strip("'") not in str(error)


def test_money_in_cents_is_not_taken_for_units(settings: Settings, database: str) -> None:
    run(database, "create table result (id int, price money)", "insert into result values (1, 12.5)")
    error = failure(settings, source_of({"id": "INTEGER", "price": "BIGINT"}), database)
    assert "disagree on sum of price" in str(error)
