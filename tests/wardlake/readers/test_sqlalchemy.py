"""Databases read through SQLAlchemy: a real PostgreSQL server and SQLite files."""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from clinic import DAY, FACILITY, NEXT_DAY

from wardlake.bronze import batches, current_batches, extract_table
from wardlake.bronze.current import current_query, rows_query
from wardlake.bronze.extract import extract_tables
from wardlake.bronze.readers.arrow import batches as arrow_batches
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect

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
    "taken": ("timestamp", "TIMESTAMP", "'2026-03-29 02:30:00.123456'", datetime(2026, 3, 29, 2, 30, 0, 123456)),
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
