"""Parquet files: columns and types as they are."""

from collections.abc import Sequence

import duckdb

from wardlake.onboard.content import File
from wardlake.onboard.delimited import Described
from wardlake.onboard.found import SAMPLE_ROWS, FoundColumn, UnreadableError
from wardlake.sql import as_name


def describe(engine: duckdb.DuckDBPyConnection, files: Sequence[File], sample: str) -> Described:
    """Describe Parquet files of one pattern by the first of them, and fill the sample from all.

    Raises:
        UnreadableError: one of them is broken, or has other columns.
    """
    try:
        described = engine.execute("DESCRIBE FROM read_parquet($path)", {"path": str(files[0].path)}).fetchall()
        engine.execute(
            f"CREATE TABLE {as_name(sample)} AS FROM read_parquet($paths) LIMIT {SAMPLE_ROWS}",
            {"paths": [str(file.path) for file in files]},
        )
    except duckdb.Error as error:
        raise UnreadableError(f"DuckDB cannot read it as Parquet ({type(error).__name__})") from None
    return Described({"format": "parquet"}, tuple(FoundColumn(name, type_) for name, type_, *_ in described))
