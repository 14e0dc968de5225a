"""A laboratory whose database is read through SQLAlchemy: its source, and what bronze holds of it."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
from clinic import DAY, FACILITY

from wardlake.bronze import batches, current_batches, extract_table
from wardlake.bronze.current import current_query, rows_query
from wardlake.errors import WardlakeError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect

Table = dict[str, object]
MANY = "insert into result select i, repeat('x', 50) from generate_series(1, 20000) i"


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
    """A table of the YAML; its first column is its key."""
    return {"relation": relation, "keys": [next(iter(columns))], "columns": columns}


def rows(settings: Settings, source: Source, table: str = "result", columns: str = "") -> list[tuple[object, ...]]:
    """What bronze holds of a table, all its batches."""
    spec = source.tables[table]
    query = rows_query(settings, spec, batches(settings, Lake(settings), source.name, table))
    listed = columns or ", ".join(spec.columns)
    with connect(settings) as engine:
        return engine.execute(f"select {listed} from ({query}) order by _extracted_at, _row_id").fetchall()


def run(address: str, *statements: str) -> None:
    """Run statements in the PostgreSQL database of a SQLAlchemy address."""
    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def incremental(column: str, type_: str, **cursor: object) -> Table:
    """A table of the YAML that is read by a cursor and compares keys."""
    return {
        "relation": "result",
        "keys": ["id"],
        "mode": "incremental",
        "deletes": "compare_keys",
        "cursor": {"column": column, **cursor},
        "columns": {"id": "INTEGER", "note": "VARCHAR", column: type_},
    }


def now_of(settings: Settings, source: Source) -> list[tuple[object, ...]]:
    """The results as they are now, all batches together."""
    spec = source.tables["result"]
    query = current_query(settings, spec, current_batches(settings, Lake(settings), source, "result"))
    with connect(settings) as engine:
        return engine.execute(f"select id, note from ({query}) order by id").fetchall()


def failure(settings: Settings, source: Source, address: str) -> WardlakeError:
    """The error of an extraction, after which there is no batch; it has no cause and shows no secret."""
    with pytest.raises(WardlakeError) as raised:
        extract_table(settings, source, "result", DAY, address)
    assert batches(settings, Lake(settings), "lab", "result") == []
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None, "a cause is printed in the log, with its text"
    return raised.value


def sqlite_file(folder: Path, *statements: str) -> str:
    """The address of a SQLite database that the statements make."""
    path = folder / "lab.db"
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    return f"sqlite:///{path}"
