"""A source of files for the tests: build its YAML, drop files, extract, look at the rows."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from clinic import FACILITY

from wardlake.bronze import current_batches, current_query, extract_table
from wardlake.bronze.manifest import Manifest
from wardlake.bronze.readers.files.formats import FileRows, loader
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect
from wardlake.window import Window

PREFIX = "lab/"


def day(number: int) -> Window:
    """A window for each number from 1 to 31."""
    return Window.of_day(date(2026, 3, number))


def file_source(
    columns: dict[str, str] | None = None,
    connection: dict[str, Any] | None = None,
    source: dict[str, Any] | None = None,
    table: dict[str, Any] | None = None,
    **files: Any,
) -> Source:
    """A source with one table `result`, of CSV files with the columns `id` and `value` if nothing else is said."""
    columns = columns or {"id": "VARCHAR", "value": "VARCHAR"}
    return Source.model_validate(
        {
            "name": "lab",
            "description": "Laboratory.",
            "owner": "laboratory",
            "facility": FACILITY,
            "connection": connection or {"kind": "landing", "prefix": PREFIX},
            "provides": ["observations"],
            "tables": {
                "result": {
                    "description": "Results.",
                    "files": {"pattern": "*", "format": "csv", **files},
                    "mode": "append",
                    "keys": list(columns)[:1],
                    "columns": {name: {"type": type_, "pii": "none"} for name, type_ in columns.items()},
                    **(table or {}),
                }
            },
            **(source or {}),
        }
    )


def land(settings: Settings, name: str, content: bytes) -> None:
    """Put a file into the landing bucket."""
    Lake(settings).put(settings.bucket("landing"), PREFIX + name, content)


def take(settings: Settings, source: Source, number: int, uri: str | None = None) -> Manifest:
    """Extract for a day."""
    return extract_table(settings, source, "result", day(number), uri).manifest


def names(manifest: Manifest) -> list[str]:
    """Names of the files that a batch took."""
    return [file.name for file in manifest.taken]


def reasons(manifest: Manifest) -> dict[str, str]:
    """Why files were refused."""
    return {file.name: file.reason for file in manifest.refused}


def shown(settings: Settings, source: Source, columns: str = "id, value, _file") -> list[tuple[Any, ...]]:
    """What the table shows now, ordered by its columns."""
    table = source.tables["result"]
    query = current_query(settings, table, current_batches(settings, Lake(settings), source, "result"))
    with connect(settings) as engine:
        return engine.execute(f"SELECT {columns} FROM ({query}) ORDER BY ALL").fetchall()


def loaded(path: Path, work: Path, columns: dict[str, str] | None = None, **files: Any) -> FileRows:
    """What the loader of a format makes of a file, without a store."""
    table = file_source(columns, **files).tables["result"]
    assert table.files
    with duckdb.connect() as engine:
        return loader(table.files.format)(engine, table.files, table, path, work)


def rows_of(rows: FileRows) -> list[tuple[Any, ...]]:
    """The rows that a loader hands over."""
    with duckdb.connect() as engine:
        return engine.execute(rows.query).fetchall()
