"""What a format's loader hands over, and which module loads which format."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from wardlake.bronze.manifest import BronzeColumn
from wardlake.sources import Table

MODULES = {
    "csv": "delimited",
    "xlsx": "excel",
    "json": "json_documents",
    "jsonl": "json_documents",
    "xml": "xml_documents",
    "parquet": "parquet",
    "hl7": "hl7_messages",
}
"""Format to module, each with a function `load`; a module is imported when a file of its format is read."""


class BrokenFileError(ValueError):
    """A file that cannot be read; the text says why, names rows where it can, and holds no value of the data."""


@dataclass(frozen=True)
class FileRows:
    """The rows of one file.

    `query` is a DuckDB query whose columns are `columns`, as the file has them, and then `_line BIGINT`: the record's
    place in the file, counted from 1, preamble included. `rows` is their number, counted on another way than the
    query's. `left_out_rows` are totals rows and segments of malformed HL7 messages, which are in neither. `parts` are
    queries of disjoint rows that together are the query's, in its order: a large file that can be read by several
    workers at once has them.
    """

    query: str
    columns: tuple[BronzeColumn, ...]
    rows: int
    left_out_rows: int = 0
    byte_order_mark: bool = False
    parts: tuple[str, ...] = ()


Load = Callable[[duckdb.DuckDBPyConnection, Any, Table, Path, Path], FileRows]
"""`load(engine, spec, table, path, work)`: `path` is the plain file (decompressed), `work` a folder for own files.

Raises BrokenFileError. `spec` is the format's own class of `wardlake.sources.files`.
"""


def loader(format_: str) -> Load:
    """The function that loads files of a format."""
    module = import_module(f"wardlake.bronze.readers.files.{MODULES[format_]}")
    load: Load = module.load
    return load
