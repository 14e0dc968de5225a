"""Rows of Excel workbooks, every value as text."""

import zipfile
from datetime import datetime
from pathlib import Path

import duckdb
import openpyxl
import pyarrow
import pyarrow.parquet

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.files.formats import BrokenFileError, FileRows
from wardlake.sources import Table
from wardlake.sources.files import ExcelFiles


def load(_engine: duckdb.DuckDBPyConnection, spec: ExcelFiles, _table: Table, path: Path, work: Path) -> FileRows:
    """The rows of a sheet; rows without any content are no records.

    Raises:
        BrokenFileError: no workbook, or no such sheet.
    """
    with path.open("rb") as stream:
        try:
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise BrokenFileError(f"it is no workbook ({type(error).__name__})") from error
        try:
            sheet = book[spec.sheet] if spec.sheet else book.worksheets[0]
        except KeyError:
            raise BrokenFileError(f"it has no sheet '{spec.sheet}'") from None
        rows = sheet.iter_rows(min_row=spec.header_row, values_only=True)
        header = [_text(value) or "" for value in next(rows, ())]
        records = [
            [*(_text(value) for value in row[: len(header)]), line]
            for line, row in enumerate(rows, start=spec.header_row + 1)
            if any(value is not None for value in row)
        ]
    schema = pyarrow.schema([*((name, pyarrow.string()) for name in header), ("_line", pyarrow.int64())])
    columns = list(zip(*records, strict=True)) or [()] * len(schema)
    plain = work / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays([list(column) for column in columns], schema=schema), plain)
    return FileRows(
        query=f"SELECT * FROM read_parquet('{plain}')",
        columns=tuple(BronzeColumn(name=name, type="VARCHAR") for name in header),
        rows=len(records),
    )


def _text(value: object) -> str | None:
    """A cell as text: dates in ISO 8601, whole numbers without a trailing `.0`."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
