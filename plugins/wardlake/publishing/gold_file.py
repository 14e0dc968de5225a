"""The frozen gold of a publication: its tables with types and descriptions, and their rows as Arrow batches."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from wardlake.settings import Settings
from wardlake.sql import as_name
from wardlake.warehouse.built import BATCH_ROWS
from wardlake.warehouse.connection import connect


@dataclass(frozen=True)
class GoldTable:
    """A table of gold; the fields of its schema carry their descriptions as `doc`."""

    name: str
    description: str
    schema: pa.Schema


class GoldFile:
    """An open, read-only `gold.duckdb`."""

    def __init__(self, engine: duckdb.DuckDBPyConnection) -> None:
        self._engine = engine
        tables = engine.execute("SELECT table_name, comment FROM duckdb_tables() ORDER BY ALL").fetchall()
        self.tables = [GoldTable(name, comment or "", self._schema(name)) for name, comment in tables]

    def batches(self, table: str) -> pa.RecordBatchReader:
        """Rows of a table, some at a time; read them to the end before you ask for others."""
        return self._engine.execute(f"FROM {as_name(table)}").to_arrow_reader(BATCH_ROWS)

    def _schema(self, table: str) -> pa.Schema:
        comments = dict(
            self._engine.execute(
                "SELECT column_name, coalesce(comment, '') FROM duckdb_columns() WHERE table_name = ?", [table]
            ).fetchall()
        )
        return pa.schema([field.with_metadata({"doc": comments[field.name]}) for field in self.batches(table).schema])


@contextmanager
def open_gold(settings: Settings, path: Path) -> Iterator[GoldFile]:
    """The gold of a publication, for reading."""
    with connect(settings, path, read_only=True) as engine:
        yield GoldFile(engine)


def description_of(field: pa.Field) -> str:
    """What a column means, as its model says."""
    return str((field.metadata or {}).get(b"doc", b"").decode())
