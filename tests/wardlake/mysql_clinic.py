"""Sources on MariaDB for the tests, and what has arrived of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from clinic import FACILITY
from mariadb_server import Database

from wardlake.bronze import current_batches, current_query
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect


def source_of(tables: dict[str, dict[str, Any]]) -> Source:
    """A MySQL source; the columns of a table are names with their types."""
    return Source.model_validate(
        {
            "name": "clinic",
            "description": "A clinic on MariaDB.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "mysql", "conn_id": "clinic_db"},
            "provides": ["wards"],
            "tables": {
                name: {
                    "description": name,
                    "relation": name,
                    "keys": ["id"],
                    **spec,
                    "columns": {column: {"type": type_, "pii": "none"} for column, type_ in spec["columns"].items()},
                }
                for name, spec in tables.items()
            },
        }
    )


def rows_now(settings: Settings, source: Source, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    manifests = current_batches(settings, Lake(settings), source, table)
    query = current_query(settings, source.tables[table], manifests)
    with connect(settings) as engine:
        return engine.execute(f"SELECT {columns} FROM ({query}) ORDER BY 1").fetchall()


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


def wards(**spec: Any) -> Source:
    """A source with the table `ward`."""
    return source_of({"ward": {"columns": {"id": "INTEGER", "name": "VARCHAR"}, **spec}})


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
