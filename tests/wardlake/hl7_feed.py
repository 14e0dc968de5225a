"""HL7 tables and files for the tests."""

from pathlib import Path
from typing import Any

import duckdb

from wardlake.bronze.readers.files.formats import FileRows, loader
from wardlake.sources import Table

KEPT = {"text": "message", "error": "parse.error", "number": "message.number"}
"""Columns of a table of messages that keeps malformed ones."""


def hl7_table(columns: dict[str, str], segment: str = "MSH", **files: Any) -> Table:
    """A table of HL7 files; `columns` are names and paths."""
    return Table.model_validate(
        {
            "description": f"{segment} segments.",
            "files": {"pattern": "*.hl7", "format": "hl7", "segment": segment, **files},
            "mode": "append",
            "keys": [next(iter(columns))],
            "columns": {
                name: {"path": path, "type": "BIGINT" if path.endswith(".number") else "VARCHAR", "pii": "none"}
                for name, path in columns.items()
            },
        }
    )


def load_file(path: Path, table: Table, work: Path) -> tuple[list[dict[str, Any]], FileRows]:
    """The rows of a file in the order of the file, and what its loader says of them."""
    work.mkdir(exist_ok=True)
    with duckdb.connect() as engine:
        loaded = loader("hl7")(engine, table.files, table, path, work)
        found = engine.sql(loaded.query)
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert [column.name for column in loaded.columns] + ["_line"] == list(rows[0] if rows else found.columns)
    return rows, loaded


def load_bytes(content: bytes, table: Table, folder: Path) -> tuple[list[dict[str, Any]], FileRows]:
    """The same, of a file with this content."""
    path = folder / "feed.hl7"
    path.write_bytes(content)
    return load_file(path, table, folder / "work")


def message(*segments: str, control_id: str = "1", kind: str = "ADT^A01", charset: str = "") -> bytes:
    """A message in UTF-8, each segment ended by CR."""
    head = f"MSH|^~\\&|APP|HOSP|||20260101||{kind}|{control_id}|P|2.5||||||{charset}"
    return "".join(f"{segment}\r" for segment in (head, *segments)).encode()


def framed(*messages: bytes) -> bytes:
    """An MLLP capture."""
    return b"".join(b"\x0b" + content + b"\x1c\r" for content in messages)
