"""Sources on MariaDB for the tests, and what has arrived of them."""

from typing import Any

from clinic import FACILITY

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
