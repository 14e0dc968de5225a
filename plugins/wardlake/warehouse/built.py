"""The tables of a finished build, as streams of Arrow batches: all that publishing needs to know of a warehouse."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from wardlake.settings import Settings
from wardlake.sql import as_name
from wardlake.warehouse.connection import connect

BATCH_ROWS = 100_000
"""Rows that are in memory at a time; of Iceberg's files also the rows of a row group."""


def built_tables(settings: Settings, schemas: Sequence[str]) -> Iterator[tuple[str, str, pa.RecordBatchReader]]:
    """Schema, name and rows of each table of these schemas; read one to its end before you ask for the next.

    Decimals keep their scale and instants are in UTC.

    Raises:
        PassingError: another process writes the warehouse.
    """
    with connect(settings, settings.warehouse_path, read_only=True) as engine:
        for schema in schemas:
            names = engine.execute(
                "SELECT table_name FROM duckdb_tables() WHERE schema_name = ? ORDER BY ALL", [schema]
            ).fetchall()
            for (name,) in names:
                rows = engine.execute(f"FROM {as_name(schema)}.{as_name(name)}")
                yield schema, name, rows.to_arrow_reader(BATCH_ROWS)
