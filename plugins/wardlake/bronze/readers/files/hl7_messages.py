"""Rows of HL7 v2 files: one for each segment of a name, or one for each message."""

import fnmatch
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.files.formats import FileRows
from wardlake.bronze.readers.files.hl7_frames import has_byte_order_mark, raw_messages
from wardlake.bronze.readers.files.hl7_parsing import MalformedError, Message, Place, parse, readable_text
from wardlake.sources import Table
from wardlake.sources.files import HL7_NUMBERS, Hl7Files
from wardlake.sql import as_text

FLUSH_ROWS = 20_000
FLUSH_BYTES = 16 * 1024**2

Value = str | int | None


@dataclass(frozen=True)
class _Row:
    """What the columns of a row are taken from; a malformed message has no `message` but an `error`."""

    number: int
    message: Message | None = None
    index: int = 0
    text: str | None = None
    error: str | None = None


def load(_engine: duckdb.DuckDBPyConnection, spec: Hl7Files, table: Table, path: Path, work: Path) -> FileRows:
    """The rows of one file; `_line` is the number of the message in the file.

    A malformed message is a row with its raw text and a reason in a table that has a column of path `parse.error`, and
    is left out of every other table, where `left_out_rows` counts the segments that it would have given.

    Raises:
        BrokenFileError: the file is no HL7, or a batch that does not hold what its trailer counts.
    """
    paths = {name: column.path or name for name, column in table.columns.items()}
    getters = [_getter(place) for place in paths.values()]
    types = ["BIGINT" if place in HL7_NUMBERS else "VARCHAR" for place in paths.values()]
    takes_malformed = "parse.error" in paths.values()
    starts = re.compile(spec.segment.encode() + rb"(?![A-Za-z0-9])(?<![^\r\n]...)")
    rows = left_out = 0
    with _RowFile(work, list(paths), types) as target:
        for raw in raw_messages(path, work):
            target.note_bytes(len(raw.content))
            counted = len(starts.findall(raw.content))
            try:
                message = parse(raw, spec.encoding)
            except MalformedError as error:
                if takes_malformed:
                    rows += 1
                    row = _Row(raw.number, text=readable_text(raw, spec.encoding), error=str(error))
                    target.add([getter(row) for getter in getters], raw.number)
                else:
                    left_out += counted
                continue
            if spec.messages and not any(fnmatch.fnmatchcase(message.type, wanted) for wanted in spec.messages):
                continue
            rows += counted
            for index, name in enumerate(message.names):
                if name == spec.segment:
                    row = _Row(raw.number, message, index, message.text)
                    target.add([getter(row) for getter in getters], raw.number)
    columns = tuple(BronzeColumn(name=name, type=type_) for name, type_ in zip(paths, types, strict=True))
    return FileRows(target.query, columns, rows, left_out, has_byte_order_mark(path))


def _getter(path: str) -> Callable[[_Row], Value]:
    special: dict[str, Callable[[_Row], Value]] = {
        "message": lambda row: row.text,
        "message.number": lambda row: row.number,
        "segment.number": lambda row: row.index + 1,
        "parse.error": lambda row: row.error,
    }
    if path in special:
        return special[path]
    place = Place.of(path)
    return lambda row: row.message.value(row.index, place) if row.message else None


class _RowFile:
    """A Parquet file that rows are added to; what is in memory stays below some tens of MB."""

    def __init__(self, work: Path, names: Sequence[str], types: Sequence[str]) -> None:
        fields = [
            pa.field(name, pa.int64() if type_ == "BIGINT" else pa.string())
            for name, type_ in zip(names, types, strict=True)
        ]
        self._schema = pa.schema([*fields, pa.field("_line", pa.int64())])
        with tempfile.NamedTemporaryFile(dir=work, suffix=".parquet", delete=False) as created:
            self._path = Path(created.name)
        self._rows: list[list[Value]] = []
        self._bytes = 0

    def __enter__(self) -> "_RowFile":
        self._writer = pq.ParquetWriter(self._path, self._schema, compression="zstd")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self._flush()
        self._writer.close()

    @property
    def query(self) -> str:
        """A DuckDB query for the rows."""
        return f"SELECT * FROM read_parquet({as_text(str(self._path))}, hive_partitioning = false)"

    def add(self, values: list[Value], line: int) -> None:
        """Add a row and its `_line`."""
        self._rows.append([*values, line])
        if len(self._rows) >= FLUSH_ROWS:
            self._flush()

    def note_bytes(self, size: int) -> None:
        """Say how much the rows that come next may hold."""
        self._bytes += size
        if self._bytes >= FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            columns = zip(*self._rows, strict=True)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
            self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._rows, self._bytes = [], 0
