"""Databases read through SQLAlchemy, a real PostgreSQL server and SQLite files: types, moments, changes."""

import threading
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from clinic import DAY, NEXT_DAY
from laboratory import MANY, incremental, now_of, result, rows, run, source_of, sqlite_file

from wardlake.bronze import Backfill, backfill_table, extract_table
from wardlake.bronze.extract import extract_tables
from wardlake.bronze.readers import open_session
from wardlake.bronze.relation import Opening, Request
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.warehouse import connect
from wardlake.window import Window

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
