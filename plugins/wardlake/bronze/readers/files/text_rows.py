"""Rows of text in a Parquet file, for formats that DuckDB does not read itself; memory is bounded by a batch."""

import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.files.formats import BrokenFileError
from wardlake.sources import LINEAGE_COLUMNS, Table
from wardlake.sql import as_text

BATCH_ROWS = 20_000
BATCH_CHARACTERS = 8_000_000

TextRow = tuple[int, Sequence[str | None]]
"""The record's place in the file, counted from 1, and its values in the order of the columns."""


def names_in_order(table: Table, found: Collection[str], *, is_empty: bool) -> list[str]:
    """Names that a file without an order of columns has: the contract's in its order, then new ones.

    A file without rows says nothing of its columns, and has all of the contract.
    """
    known = [name for name in table.columns if name in found or is_empty]
    return [*known, *(name for name in found if name not in table.columns)]


def text_columns(names: Sequence[str]) -> tuple[BronzeColumn, ...]:
    """Columns of text.

    Raises:
        BrokenFileError: two names are one for DuckDB, which knows no upper and lower case; a name is kept for lineage
            or holds the character NUL.
    """
    known: dict[str, str] = {}
    for name in names:
        if "\0" in name:
            raise BrokenFileError("the name of a column has the character NUL")
        if name.lower() in LINEAGE_COLUMNS:
            raise BrokenFileError(f"its column '{name}' has a name that Wardlake keeps for lineage")
        if same := known.get(name.lower()):
            raise BrokenFileError(f"its columns '{same}' and '{name}' differ in nothing but upper and lower case")
        known[name.lower()] = name
    return tuple(BronzeColumn(name=name, type="VARCHAR") for name in names)


def write_text_rows(work: Path, names: Sequence[str], rows: Iterable[TextRow]) -> str:
    """Write rows into a Parquet file in `work`; returns a DuckDB query for them, with `_line` as last column.

    Raises:
        BrokenFileError: a value holds the character NUL, which Postgres and others cannot keep.
    """
    schema = pa.schema([*((name, pa.string()) for name in names), ("_line", pa.int64())])
    with (
        tempfile.NamedTemporaryFile(dir=work, suffix=".parquet", delete=False) as stream,
        pq.ParquetWriter(stream, schema) as writer,
    ):
        for batch in _batches(rows, names):
            columns = zip(*((*values, line) for line, values in batch), strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    return f"SELECT * FROM read_parquet({as_text(stream.name)})"


def _batches(rows: Iterable[TextRow], names: Sequence[str]) -> Iterator[list[TextRow]]:
    batch: list[TextRow] = []
    characters = 0
    for line, values in rows:
        text = "".join(filter(None, values))
        if "\0" in text:
            name = next(name for name, value in zip(names, values, strict=True) if value and "\0" in value)
            raise BrokenFileError(f"record {line} has the character NUL in column '{name}'")
        batch.append((line, values))
        characters += len(text)
        if len(batch) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
