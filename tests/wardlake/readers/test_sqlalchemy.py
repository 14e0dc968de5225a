"""Databases read through SQLAlchemy: a real PostgreSQL server and SQLite files."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import duckdb
import psycopg
import pytest
from clinic import DAY, FACILITY, NEXT_DAY

from wardlake.bronze import Backfill, backfill_table, batches, current_batches, extract_table
from wardlake.bronze.current import current_query, rows_query
from wardlake.bronze.extract import extract_tables
from wardlake.bronze.readers import open_session
from wardlake.bronze.readers.arrow import batches as arrow_batches
from wardlake.bronze.relation import Opening, Request
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect
from wardlake.window import Window

Table = dict[str, object]


def source_of(connection: dict[str, object] | None = None, **tables: Table) -> Source:
    """A source of kind sqlalchemy with these tables; `columns` are name to type."""
    return Source.model_validate(
        {
            "name": "lab",
            "description": "Laboratory.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "sqlalchemy", "conn_id": "lab_db", **(connection or {})},
            "provides": ["observations"],
            "tables": {
                name: {
                    "description": "Results.",
                    **table,
                    "columns": {
                        column: {"type": type_, "pii": "none"}
                        for column, type_ in table["columns"].items()  # type: ignore[attr-defined]
                    },
                }
                for name, table in tables.items()
            },
        }
    )


def result(relation: str = "result", **columns: str) -> Table:
    return {"relation": relation, "keys": [next(iter(columns))], "columns": columns}


def rows(settings: Settings, source: Source, table: str = "result", columns: str = "") -> list[tuple[object, ...]]:
    """What bronze holds of a table, all its batches."""
    spec = source.tables[table]
    query = rows_query(settings, spec, batches(settings, Lake(settings), source.name, table))
    listed = columns or ", ".join(spec.columns)
    with connect(settings) as engine:
        return engine.execute(f"select {listed} from ({query}) order by _extracted_at, _row_id").fetchall()


@pytest.fixture
def postgres(database: str) -> str:
    """SQLAlchemy address of the test's PostgreSQL database."""
    return database.replace("postgresql://", "postgresql+psycopg://")


def run(address: str, *statements: str) -> None:
    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


EVERY_TYPE = {
    "id": ("bigint", "BIGINT", "1", 1),
    "small": ("smallint", "SMALLINT", "-2", -2),
    "whole": ("integer", "INTEGER", "3", 3),
    "flag": ("boolean", "BOOLEAN", "true", True),
    "price": ("numeric(12,2)", "DECIMAL(12,2)", "'9999999999.99'", Decimal("9999999999.99")),
    "free": ("numeric", "DECIMAL(38,10)", "'1.5'", Decimal("1.5000000000")),
    "fine": ("numeric", "DECIMAL(30,20)", "'0.00000000000000000001'", Decimal("1E-20")),
    "text_number": ("numeric", "VARCHAR", "'1.2300'", "1.2300"),
    "huge": ("numeric(50,0)", "VARCHAR", "1e49", "1" + "0" * 49),
    "tens": ("numeric(3,-2)", "DECIMAL(5,0)", "'12300'", Decimal("12300")),
    "ratio": ("double precision", "DOUBLE", "0.1", 0.1),
    "born": ("date", "DATE", "'1900-02-28'", date(1900, 2, 28)),
    "taken": (
        "timestamp",
        "TIMESTAMP",
        "'2026-03-29 02:30:00.123456'",
        datetime.fromisoformat("2026-03-29T02:30:00.123456"),
    ),
    "sent": (
        "timestamptz",
        "TIMESTAMP WITH TIME ZONE",
        "'2026-01-01 12:00+02'",
        datetime(2026, 1, 1, 10, tzinfo=UTC),
    ),
    "clock": ("time", "TIME", "'23:59:59.5'", time(23, 59, 59, 500000)),
    "zoned_clock": ("timetz", "VARCHAR", "'10:00+02'", "10:00:00+02"),
    "stay": ("interval", "VARCHAR", "'1 mon 2 days'", "1 mon 2 days"),
    "name": ("varchar(20)", "VARCHAR", "'Zoë 😀'", "Zoë 😀"),
    "padded": ("char(5)", "VARCHAR", "'ab'", "ab   "),
    "note": ("text", "VARCHAR", "E'a\\n;\"'", 'a\n;"'),
    "scan": ("bytea", "BLOB", "'\\x00ff'", b"\x00\xff"),
    "doc": ("json", "VARCHAR", "'{\"dose\":  1.10}'", '{"dose":  1.10}'),
    "codes": ("text[]", "VARCHAR", "'{a,NULL}'", '["a",null]'),
    "uid": (
        "uuid",
        "UUID",
        "'0b1c9c5e-1f0a-4c35-9d1a-111111111111'",
        UUID("0b1c9c5e-1f0a-4c35-9d1a-111111111111"),
    ),
    "mood": ("mood", "VARCHAR", "'calm'", "calm"),
    "dose": ("dose", "DECIMAL(5,1)", "2.5", Decimal("2.5")),
    "place": ("inet", "VARCHAR", "'10.0.0.1'", "10.0.0.1/32"),
    "span": ("int4range", "VARCHAR", "'[1,5)'", "[1,5)"),
}


def create_every_type(address: str) -> None:
    listed = ", ".join(f"{name} {type_}" for name, (type_, *_) in EVERY_TYPE.items())
    values = ", ".join(value for _, _, value, _ in EVERY_TYPE.values())
    run(
        address,
        "create type mood as enum ('calm', 'upset')",
        "create domain dose as numeric(5,1)",
        f"create table result ({listed})",
        f"insert into result values ({values})",
        "insert into result (id) values (2)",
    )


def test_every_type_arrives_whole(settings: Settings, postgres: str) -> None:
    create_every_type(postgres)
    source = source_of(result=result(**{name: type_ for name, (_, type_, *_) in EVERY_TYPE.items()}))
    manifest = extract_table(settings, source, "result", DAY, postgres).manifest
    assert manifest.source_rows == 2
    assert manifest.checksum is not None
    full, empty = rows(settings, source)
    assert dict(zip(EVERY_TYPE, full, strict=True)) == {name: value for name, (*_, value) in EVERY_TYPE.items()}
    assert empty == (2, *(None for _ in EVERY_TYPE))[: len(EVERY_TYPE)]


def test_nothing_in_the_table_is_a_batch_without_rows(settings: Settings, postgres: str) -> None:
    run(postgres, "create schema lab", "create table lab.result (id int, price numeric(5,2), note text)")
    source = source_of(result=result("lab.result", id="INTEGER", price="DECIMAL(5,2)", note="VARCHAR"))
    manifest = extract_table(settings, source, "result", DAY, postgres).manifest
    assert (manifest.source_rows, manifest.lake_rows) == (0, 0)


def test_names_are_quoted_as_the_database_wants(settings: Settings, postgres: str) -> None:
    run(postgres, 'create table "Order" ("Select" int, "a ""b%" text)', "insert into \"Order\" values (1, 'x')")
    source = source_of(result=result("Order", **{"Select": "INTEGER", 'a "b%': "VARCHAR"}))
    extract_table(settings, source, "result", DAY, postgres)
    assert rows(settings, source, columns="*")[0][:2] == (1, "x")


MANY = "insert into result select i, repeat('x', 50) from generate_series(1, 20000) i"


def test_count_rows_and_tables_show_one_moment_while_others_write(settings: Settings, postgres: str) -> None:
    run(postgres, "create table result (id int, note text)", MANY, "create table twin (id int, note text)")
    run(postgres, "insert into twin select * from result")
    source = source_of(
        {"batch_rows": 500},
        result=result(id="INTEGER", note="VARCHAR"),
        twin=result("twin", id="INTEGER", note="VARCHAR"),
    )
    stop = threading.Event()

    def keep_writing() -> None:
        with psycopg.connect(postgres.replace("+psycopg", "")) as connection:
            while not stop.is_set():
                for table in ("result", "twin"):
                    connection.execute(f"insert into {table} values (0, 'new')")
                    connection.execute(f"delete from {table} where id = (select max(id) from {table})")
                    connection.execute(f"insert into {table} values (0, 'newer')")
                connection.commit()

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        ended = extract_tables(settings, source, ["result", "twin"], DAY, postgres)
    finally:
        stop.set()
        writer.join()
    first, second = (ended[table].manifest for table in ("result", "twin"))
    assert first.source_rows == second.source_rows == first.lake_rows > 20_000 - 1
    assert first.snapshot == second.snapshot
    assert first.snapshot
    assert sorted(rows(settings, source, "result")) == sorted(rows(settings, source, "twin"))


@pytest.mark.parametrize("consistent", [True, False])
def test_tables_that_need_not_agree_have_a_transaction_each(
    settings: Settings, postgres: str, tmp_path: Path, consistent: bool
) -> None:
    run(postgres, "create table result (id int)", "create table twin (id int)")
    source = source_of(result=result(id="INTEGER"), twin=result("twin", id="INTEGER"))
    source = source.model_copy(update={"consistent": consistent})
    with connect(settings) as engine, open_session(Opening(settings, Lake(settings), source, postgres, engine)) as look:
        look.read(Request("result", "batch", DAY, tmp_path))
        run(postgres, "insert into twin values (1)")
        twin = look.read(Request("twin", "batch", DAY, tmp_path))
        found = engine.execute(twin.chunks[0]).fetchall()
    assert found == ([] if consistent else [(1,)])


def incremental(column: str, type_: str, **cursor: object) -> Table:
    return {
        "relation": "result",
        "keys": ["id"],
        "mode": "incremental",
        "deletes": "compare_keys",
        "cursor": {"column": column, **cursor},
        "columns": {"id": "INTEGER", "note": "VARCHAR", column: type_},
    }


def now_of(settings: Settings, source: Source) -> list[tuple[object, ...]]:
    spec = source.tables["result"]
    query = current_query(settings, spec, current_batches(settings, Lake(settings), source, "result"))
    with connect(settings) as engine:
        return engine.execute(f"select id, note from ({query}) order by id").fetchall()


@pytest.mark.parametrize("type_", ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DATE"])
def test_changes_are_read_with_ties_rows_without_cursor_and_deletes(
    settings: Settings, postgres: str, type_: str
) -> None:
    run(
        postgres,
        f"create table result (id int primary key, note text, changed {type_})",
        "insert into result values (1, 'old', '2025-12-01 10:00'), (2, 'tie', '2026-01-01 10:00'), "
        "(3, 'tie', '2026-01-01 10:00'), (4, 'undated', null), (5, 'later', '2026-01-02 10:00')",
    )
    source = source_of(result=incremental("changed", type_, timezone="UTC"))
    first = extract_table(settings, source, "result", DAY, postgres).manifest
    assert (first.lake_rows, first.read_from) == (4, None)
    run(
        postgres,
        "delete from result where id = 1",
        "update result set note = 'new', changed = '2026-01-02 00:00' where id in (2, 3)",
    )
    second = extract_table(settings, source, "result", NEXT_DAY, postgres).manifest
    assert second.lake_rows == 4
    assert now_of(settings, source) == [(2, "new"), (3, "new"), (4, "undated"), (5, "later")]


def test_a_backfill_reads_its_window_and_what_changed_since_the_last_run(settings: Settings, postgres: str) -> None:
    run(
        postgres,
        "create table result (id int primary key, note text, changed timestamp)",
        "insert into result values (1, 'old', '2026-01-01 10:00'), (2, 'old', '2026-01-02 10:00'), "
        "(3, 'old', '2026-01-02 10:00'), (4, 'old', '2026-01-03 10:00')",
    )
    source = source_of(result=incremental("changed", "TIMESTAMP", timezone="UTC"))
    for number in (1, 2, 3):
        extract_table(settings, source, "result", Window.of_day(date(2026, 1, number)), postgres)
    run(postgres, "update result set note = 'new', changed = '2026-01-05 10:00' where id = 2")
    done = backfill_table(settings, source, "result", Backfill("again", NEXT_DAY), postgres).manifest
    assert done.lake_rows == 2
    assert now_of(settings, source) == [(1, "old"), (2, "new"), (3, "old"), (4, "old")]


def test_a_cursor_that_is_a_number_goes_on_from_the_greatest(settings: Settings, postgres: str) -> None:
    run(postgres, "create table result (id int, note text, seq bigint)")
    run(postgres, "insert into result values (1, 'a', 1), (2, 'b', 9007199254740993), (3, 'c', null)")
    source = source_of(result=incremental("seq", "BIGINT"))
    assert extract_table(settings, source, "result", DAY, postgres).manifest.cursor_max == 9007199254740993
    run(postgres, "insert into result values (4, 'd', 9007199254740994)")
    assert extract_table(settings, source, "result", NEXT_DAY, postgres).manifest.lake_rows == 3
    assert now_of(settings, source) == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


def failure(settings: Settings, source: Source, address: str) -> WardlakeError:
    with pytest.raises(WardlakeError) as raised:
        extract_table(settings, source, "result", DAY, address)
    assert batches(settings, Lake(settings), "lab", "result") == []
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None, "a cause is printed in the log, with its text"
    return raised.value


ID = result(id="INTEGER")


@pytest.mark.parametrize(
    ("address", "kind", "told"),
    [
        ("postgresql+psycopg://u:secret@127.0.0.1:9/x", PassingError, "cannot be reached or gave up"),
        ("mssql+mssqlpython://u:secret@127.0.0.1/x", PermanentError, "pip install mssql-python"),
        ("mssql+pymssql://u:secret@127.0.0.1/x", PermanentError, "pip install pymssql"),
        ("oracle+oracledb://u:secret@127.0.0.1/x", PermanentError, "pip install oracledb"),
        ("nosuch://u:secret@127.0.0.1/x", PermanentError, "is no SQLAlchemy URL"),
        ("postgresql+psycopg://u:secret@127.0.0.1:port/x", PermanentError, "is no SQLAlchemy URL"),
        ("secret", PermanentError, "is no SQLAlchemy URL"),
        ("sqlite:////nowhere/secret.db", PermanentError, "does not exist"),
    ],
)
def test_an_address_that_leads_nowhere(settings: Settings, address: str, kind: type, told: str) -> None:
    error = failure(settings, source_of(result=ID), address)
    assert isinstance(error, kind)
    assert told in str(error)
    assert str(error).startswith("lab: ")


def test_a_login_that_is_refused(settings: Settings, postgres: str) -> None:
    error = failure(settings, source_of(result=ID), postgres.replace("postgres:@", "nobody:secret@"))
    assert isinstance(error, PermanentError)
    assert "refused the login of connection 'lab_db'" in str(error)


def test_a_database_that_is_not_there(settings: Settings, postgres: str) -> None:
    error = failure(settings, source_of(result=ID), postgres.replace("/test_", "/nowhere_"))
    assert "database that connection 'lab_db' names does not exist" in str(error)


def test_a_table_or_a_cursor_that_is_not_there(settings: Settings, postgres: str) -> None:
    error = failure(settings, source_of(result=ID), postgres)
    assert "lab.result: the database has no table result that this user can see" in str(error)
    run(postgres, "create table result (id int)")
    error = failure(settings, source_of(result=incremental("changed", "TIMESTAMP")), postgres)
    assert "no column 'changed', which is its cursor" in str(error)


def test_a_table_that_the_user_may_not_read(settings: Settings, postgres: str) -> None:
    run(postgres, "create table result (id int)", "create role reader_of_nothing login")
    try:
        error = failure(settings, source_of(result=ID), postgres.replace("postgres:@", "reader_of_nothing@"))
    finally:
        run(postgres, "drop role reader_of_nothing")
    assert isinstance(error, PermanentError)
    assert "may not read result. GRANT SELECT ON result" in str(error)


def test_a_statement_that_takes_too_long(settings: Settings, postgres: str) -> None:
    run(postgres, "create view result as select 1 as id, pg_sleep(30)::text as note")
    source = source_of({"statement_timeout_s": 1}, result=result(id="INTEGER", note="VARCHAR"))
    error = failure(settings, source, postgres)
    assert isinstance(error, PermanentError)
    assert "took longer than 'statement_timeout_s'" in str(error)


BREAKS_OFF = """
    create function break_off(id int) returns text language plpgsql volatile as $$
    begin
        if id = 500 then perform pg_terminate_backend(pg_backend_pid()); end if;
        return 'secret';
    end $$
"""


def test_a_connection_that_breaks_in_mid_stream_passes_and_the_next_table_is_read(
    settings: Settings, postgres: str
) -> None:
    run(
        postgres,
        BREAKS_OFF,
        "create view result as select i as id, break_off(i) as note from generate_series(1, 1000) i",
        "create table twin as select 1 as id",
    )
    source = source_of(result=result(id="INTEGER", note="VARCHAR"), twin=result("twin", id="INTEGER"))
    ended = extract_tables(settings, source, ["result", "twin"], DAY, postgres)
    error = ended["result"]
    assert isinstance(error, PassingError)
    assert "lab.result: the database of connection 'lab_db' cannot be reached or gave up after row" in str(error)
    assert "secret" not in str(error)
    assert batches(settings, Lake(settings), "lab", "result") == []
    assert rows(settings, source, "twin") == [(1,)]


def test_a_query_that_fails_leaves_the_moment_to_the_next_table(
    settings: Settings, postgres: str, tmp_path: Path
) -> None:
    run(postgres, "create table result (id int, note text)", MANY, "create table twin (id int)")
    source = source_of(
        {"batch_rows": 100}, result=result(id="INTEGER", note="VARCHAR"), twin=result("twin", id="INTEGER")
    )
    with connect(settings) as engine, open_session(Opening(settings, Lake(settings), source, postgres, engine)) as look:
        relation = look.read(Request("result", "batch", DAY, tmp_path))
        with pytest.raises(duckdb.Error, match="enough"):
            engine.execute(f"select if(id = 500, error('enough'), id) from ({relation.chunks[0]})").fetchall()
        run(postgres, "insert into twin values (1)")
        twin = look.read(Request("twin", "batch", DAY, tmp_path))
        assert engine.execute(twin.chunks[0]).fetchall() == []


@pytest.mark.parametrize(
    ("type_", "contract", "value"),
    [
        ("numeric", "DECIMAL(38,10)", "1.23456789012"),
        ("numeric", "DECIMAL(5,0)", "123456"),
        ("numeric(5,2)", "DECIMAL(5,2)", "'NaN'"),
        ("timestamp", "TIMESTAMP", "'infinity'"),
    ],
)
def test_a_value_that_its_type_cannot_hold(
    settings: Settings, postgres: str, type_: str, contract: str, value: str
) -> None:
    run(postgres, f"create table result (id int, value {type_})", f"insert into result values (1, null), (2, {value})")
    error = failure(settings, source_of(result=result(id="INTEGER", value=contract)), postgres)
    assert isinstance(error, PermanentError)
    if type_ != "timestamp":
        assert "column 'value' holds a value that is no decimal128" in str(error)
        assert "in row 2" in str(error)
    assert value.strip("'") not in str(error)


def sqlite_file(folder: Path, *statements: str) -> str:
    path = folder / "lab.db"
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    return f"sqlite:///{path}"


def test_a_sqlite_file_is_read_and_not_written(settings: Settings, tmp_path: Path) -> None:
    address = sqlite_file(
        tmp_path,
        "create table result (id integer primary key, note varchar(9), price numeric(9,2), taken datetime, day date)",
        "insert into result values (9007199254740993, 'aé', 1.5, '2026-01-01 10:00:00.000000', '2026-01-01')",
        "insert into result values (2, null, null, null, null)",
    )
    source = source_of(result=result(id="BIGINT", note="VARCHAR", price="DECIMAL(9,2)", taken="TIMESTAMP", day="DATE"))
    assert extract_table(settings, source, "result", DAY, address).manifest.checksum
    assert sorted(rows(settings, source))[1] == (
        9007199254740993,
        "aé",
        Decimal("1.50"),
        datetime.fromisoformat("2026-01-01T10:00:00"),
        date(2026, 1, 1),
    )


@pytest.mark.parametrize(("column", "value"), [("id", "'secret'"), ("id", "1.5"), ("note", "x'00'")])
def test_a_value_of_another_type_than_its_column_is_named_by_row(
    settings: Settings, tmp_path: Path, column: str, value: str
) -> None:
    address = sqlite_file(
        tmp_path,
        "create table result (id int, note varchar)",
        "insert into result values (1, 'a')",
        f"insert into result ({column}) values ({value})",
    )
    error = failure(settings, source_of(result=result(id="BIGINT", note="VARCHAR")), address)
    assert f"column '{column}' holds a value that is no" in str(error)
    assert "in row 2" in str(error)


def test_a_value_that_changed_on_the_way_is_found(
    settings: Settings, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(postgres, "create table result (id int, note text)", "insert into result values (1, 'abc')")
    source = source_of(result=result(id="INTEGER", note="VARCHAR"))
    whole: Callable[..., object] = arrow_batches.pa.array

    def cut(values: list[object], type: object) -> object:
        return whole([value[:1] if isinstance(value, str) else value for value in values], type=type)

    monkeypatch.setattr(arrow_batches.pa, "array", cut)
    assert "disagree on characters of note" in str(failure(settings, source, postgres))
