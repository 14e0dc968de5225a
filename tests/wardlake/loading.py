"""Loads the content of a file with the loader of its format, as the reader of files does."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wardlake.bronze.readers.files.formats import BrokenFileError, loader
from wardlake.sources import Table

REAL_DATA = os.environ.get("WARDLAKE_REAL_DATA")
needs_real_data = pytest.mark.skipif(REAL_DATA is None, reason="WARDLAKE_REAL_DATA names no folder")


@dataclass(frozen=True)
class Loaded:
    """What a loader hands over. `lines` are the places of the rows, `counted` what the file's second count says."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    lines: list[int]
    counted: int
    left_out: int
    has_mark: bool


def load_file(content: bytes | Path, files: dict[str, Any], columns: list[str] | dict[str, str | None]) -> Loaded:
    """The rows of a file, given what a table's YAML says of its files, and its columns or their paths."""
    paths = columns if isinstance(columns, dict) else dict.fromkeys(columns)
    table = Table.model_validate(
        {
            "description": "A table of the tests.",
            "files": {"pattern": "*", **files},
            "mode": "append",
            "keys": [next(iter(paths))],
            "columns": {name: {"type": "VARCHAR", "pii": "none", "path": path} for name, path in paths.items()},
        }
    )
    with duckdb.connect() as engine, tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "it's work"
        work.mkdir()
        path = content if isinstance(content, Path) else work / "file"
        if isinstance(content, bytes):
            path.write_bytes(content)
        found = loader(files["format"])(engine, table.files, table, path, work)
        described = engine.execute(f"DESCRIBE {found.query}").fetchall()
        rows = engine.execute(found.query).fetchall()
    assert [(name, type_) for name, type_, *_ in described] == [
        *((column.name, column.type) for column in found.columns),
        ("_line", "BIGINT"),
    ]
    return Loaded(
        columns=[column.name for column in found.columns],
        rows=[row[:-1] for row in rows],
        lines=[row[-1] for row in rows],
        counted=found.rows,
        left_out=found.left_out_rows,
        has_mark=found.byte_order_mark,
    )


def refusal(content: bytes | Path, files: dict[str, Any], columns: list[str] | dict[str, str | None]) -> str:
    """Why the loader refuses a file."""
    with pytest.raises(BrokenFileError) as raised:
        load_file(content, files, columns)
    return str(raised.value)
