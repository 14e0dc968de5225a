"""Rows of Parquet files, with their types; the number of rows is the footer's."""

from pathlib import Path

import duckdb
import pyarrow.parquet

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.files.formats import BrokenFileError, FileRows
from wardlake.sources import Table
from wardlake.sources.files import ParquetFiles


def load(engine: duckdb.DuckDBPyConnection, _spec: ParquetFiles, _table: Table, path: Path, _work: Path) -> FileRows:
    """The rows of a Parquet file; `_line` is the row's place, counted from 1.

    Raises:
        BrokenFileError: no Parquet, cut off, or encrypted.
    """
    place = str(path).replace("'", "''")
    read = f"read_parquet('{place}', hive_partitioning = false, file_row_number = true)"
    try:
        rows = pyarrow.parquet.read_metadata(path).num_rows
        described = engine.execute(f"DESCRIBE SELECT * EXCLUDE file_row_number FROM {read}").fetchall()
    except (duckdb.Error, OSError, ValueError) as error:
        raise BrokenFileError(f"it is no Parquet file, cut off or encrypted ({type(error).__name__})") from error
    return FileRows(
        query=f"SELECT * EXCLUDE file_row_number, file_row_number + 1 AS _line FROM {read}",
        columns=tuple(BronzeColumn(name=name, type=type_) for name, type_, *_ in described),
        rows=rows,
    )
