"""The Parquet parts of a batch: written by two workers with bounded memory, measured, uploaded, and dropped here."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from wardlake.bronze.manifest import BronzeFile
from wardlake.bronze.relation import Check
from wardlake.lake import Lake

PART_BYTES = 256 * 1024**2
WORKERS = 2
CHUNK_SHIFT = 40
"""`_row_id` is the number of the chunk shifted by this, plus the row's place in the chunk."""


@dataclass(frozen=True)
class Lineage:
    """What every row of a batch carries."""

    batch_id: str
    source: str
    extracted_at: datetime


@dataclass(frozen=True)
class Rows:
    """Rows to be written: disjoint DuckDB queries, expressions over their columns, the order within a part.

    `checks` are computed over the written parts; `cursor` is a column whose greatest value is wanted.
    """

    chunks: Sequence[str]
    expressions: Sequence[str]
    order_by: Sequence[str] = ()
    checks: Sequence[Check] = ()
    cursor: str | None = None


@dataclass
class Written:
    """The parts in the lake, and what they hold: rows, and the figure of each check."""

    files: list[BronzeFile] = field(default_factory=list)
    checks: Counter[str] = field(default_factory=Counter)
    cursor_max: Decimal | None = None

    @property
    def rows(self) -> int:
        """Number of rows of all parts."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True)
class PartWriter:
    """Writes the parts of one batch below `prefix`; parts of an attempt that was not committed are never read."""

    engine: duckdb.DuckDBPyConnection
    lake: Lake
    bucket: str
    prefix: str
    work: Path
    lineage: Lineage
    attempt: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def write(self, rows: Rows, name: str = "part") -> Written:
        """Copy the rows of all chunks into sorted Parquet parts named after `name`.

        Raises:
            duckdb.Error: the rows could not be read or written.
            PermanentError, PassingError: the store refused or did not answer.
        """
        written = Written()
        with ThreadPoolExecutor(WORKERS) as pool:
            for parts in pool.map(lambda number: self._write_chunk(rows, name, number), range(len(rows.chunks))):
                for file, (latest, *figures) in parts:
                    written.files.append(file)
                    if latest is not None:
                        written.cursor_max = max(Decimal(latest), written.cursor_max or Decimal(latest))
                    for check, figure in zip(rows.checks, figures, strict=True):
                        written.checks[check.name] += figure or 0
        return written

    def _write_chunk(self, rows: Rows, name: str, number: int) -> list[tuple[BronzeFile, Sequence[Any]]]:
        folder = self.work / "parts" / f"{name}-{number:05d}"
        folder.parent.mkdir(exist_ok=True)
        done = []
        # a cursor has a transaction of its own; a relation of one chunk may live in the engine's
        with self.engine.cursor() if len(rows.chunks) > 1 else nullcontext(self.engine) as engine:
            engine.execute(self._copy(rows, number, folder))
            for part, path in enumerate(sorted(folder.glob("*.parquet"), key=lambda path: (len(path.name), path.name))):
                key = f"{self.prefix}{name}-{self.attempt}-{number:05d}-{part:03d}.parquet"
                done.append(self._finish(engine, rows, path, key))
        return done

    def _copy(self, rows: Rows, number: int, folder: Path) -> str:
        ordered = f"ORDER BY {', '.join(rows.order_by)}" if rows.order_by else ""
        return f"""
            COPY (
                SELECT
                    {number << CHUNK_SHIFT} + row_number() OVER () AS _row_id,
                    {", ".join(rows.expressions)},
                    '{self.lineage.batch_id}' AS _batch_id,
                    '{self.lineage.source}' AS _source,
                    TIMESTAMPTZ '{self.lineage.extracted_at.isoformat()}' AS _extracted_at
                FROM (SELECT * FROM ({rows.chunks[number]}) {ordered})
            ) TO '{folder}' (FORMAT parquet, COMPRESSION zstd, FILE_SIZE_BYTES {PART_BYTES})
        """

    def _finish(
        self, engine: duckdb.DuckDBPyConnection, rows: Rows, path: Path, key: str
    ) -> tuple[BronzeFile, Sequence[Any]]:
        """Measure a part, upload it, and drop the local copy."""
        count = engine.execute(f"SELECT num_rows FROM parquet_file_metadata('{path}')").fetchall()[0][0]
        latest = f'max("{rows.cursor}")' if rows.cursor else "max(NULL)"
        figures = ", ".join([latest, *(check.lake_sql for check in rows.checks)])
        measured = engine.execute(f"SELECT {figures} FROM read_parquet('{path}')").fetchall()[0]
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = path.stat().st_size
        self.lake.upload(path, self.bucket, key)
        path.unlink()
        return BronzeFile(key=key, sha256=digest, bytes=size, rows=count), measured
