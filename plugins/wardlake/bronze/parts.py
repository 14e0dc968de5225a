"""The Parquet parts of a batch: written by a few workers with bounded memory, measured, uploaded, and dropped here."""

import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any

import duckdb

from wardlake.bronze.manifest import BronzeFile
from wardlake.bronze.relation import ROW_GROUP_ROWS, Check, transaction
from wardlake.lake import Lake
from wardlake.sql import as_name

FIGURE_PLACES = 38
PART_BYTES = 256 * 1024**2
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

    `checks` are computed over the written parts; `cursor` is a column whose greatest value is wanted. `begin` prepares
    a worker's own cursor; without it and with one chunk, the chunk runs on the engine itself.
    """

    chunks: Sequence[str]
    expressions: Sequence[str]
    order_by: Sequence[str] = ()
    checks: Sequence[Check] = ()
    cursor: str | None = None
    begin: Callable[[duckdb.DuckDBPyConnection], None] | None = None
    workers: int = 2
    row_group_rows: int = ROW_GROUP_ROWS


@dataclass
class Written:
    """The parts in the lake, and what they hold: rows, and the figure of each check."""

    files: list[BronzeFile] = field(default_factory=list)
    checks: dict[str, int] = field(default_factory=dict)
    cursor_max: Decimal | None = None

    @property
    def rows(self) -> int:
        """Number of rows of all parts."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True)
class _Part:
    """A part on its way to the lake: its figures are known, `stored` ends when it is there."""

    figures: Sequence[Any]
    stored: Future[BronzeFile]


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

        While a part is uploaded, its worker reads the next one. If one worker fails, the others stop.

        Raises:
            duckdb.Error: the rows could not be read or written.
            PermanentError, PassingError: the store refused or did not answer.
        """
        (self.work / "parts").mkdir(exist_ok=True)
        numbers: SimpleQueue[int] = SimpleQueue()
        for number in range(len(rows.chunks)):
            numbers.put(number)
        stop = Event()
        workers = max(1, min(rows.workers, len(rows.chunks)))
        with ThreadPoolExecutor(1) as uploader, ThreadPoolExecutor(workers) as pool:
            ended = [pool.submit(self._work, rows, name, numbers, stop, uploader) for _ in range(workers)]
            parts = sorted((part for worker in ended for part in worker.result()), key=lambda part: part[0])
            return _added_up(rows, [part for _, part in parts])

    def _work(
        self, rows: Rows, name: str, numbers: "SimpleQueue[int]", stop: Event, uploader: ThreadPoolExecutor
    ) -> list[tuple[int, _Part]]:
        done: list[tuple[int, _Part]] = []
        try:
            with self._connection(rows) as engine:
                while not stop.is_set():
                    try:
                        number = numbers.get_nowait()
                    except Empty:
                        break
                    before = len(done)
                    done += [(number, part) for part in self._write_chunk(engine, rows, name, number, uploader)]
                    for _, part in done[:before]:  # the local disk holds two chunks of a worker at most
                        part.stored.result()
        except BaseException:
            stop.set()
            raise
        return done

    @contextmanager
    def _connection(self, rows: Rows) -> Iterator[duckdb.DuckDBPyConnection]:
        if rows.begin is None and len(rows.chunks) == 1:
            yield self.engine
            return
        with transaction(self.engine, rows.begin or (lambda _: None)) as cursor:
            yield cursor

    def _write_chunk(
        self, engine: duckdb.DuckDBPyConnection, rows: Rows, name: str, number: int, uploader: ThreadPoolExecutor
    ) -> Iterator[_Part]:
        folder = self.work / "parts" / f"{name}-{number:05d}"
        engine.execute(self._copy(rows, number, folder))
        for part, path in enumerate(sorted(folder.glob("*.parquet"), key=lambda path: (len(path.name), path.name))):
            key = f"{self.prefix}{name}-{self.attempt}-{number:05d}-{part:03d}.parquet"
            latest = f"max({as_name(rows.cursor)})" if rows.cursor else "max(NULL)"
            figures = ", ".join(["count(*)", latest, *(check.lake_sql for check in rows.checks)])
            measured = engine.execute(f"SELECT {figures} FROM read_parquet('{path}')").fetchall()[0]
            yield _Part(measured, uploader.submit(self._store, path, key, int(measured[0])))

    def _copy(self, rows: Rows, number: int, folder: Path) -> str:
        ordered = f"ORDER BY {', '.join(rows.order_by)}" if rows.order_by else ""
        return f"""
            COPY (
                SELECT
                    {number << CHUNK_SHIFT}::BIGINT + row_number() OVER () AS _row_id,
                    {", ".join(rows.expressions)},
                    '{self.lineage.batch_id}' AS _batch_id,
                    '{self.lineage.source}' AS _source,
                    TIMESTAMPTZ '{self.lineage.extracted_at.isoformat()}' AS _extracted_at
                FROM (SELECT * FROM ({rows.chunks[number]}) {ordered})
            ) TO '{folder}' (
                FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {rows.row_group_rows},
                FILE_SIZE_BYTES {PART_BYTES}
            )
        """

    def _store(self, path: Path, key: str, rows: int) -> BronzeFile:
        """Upload a part, and drop the local copy."""
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = path.stat().st_size
        self.lake.upload(path, self.bucket, key)
        path.unlink()
        return BronzeFile(key=key, sha256=digest, bytes=size, rows=rows)


def _added_up(rows: Rows, parts: Sequence[_Part]) -> Written:
    written = Written(checks={check.name: 0 for check in rows.checks})
    for part in parts:
        _, latest, *figures = part.figures
        written.files.append(part.stored.result())
        if latest is not None:
            written.cursor_max = max(Decimal(latest), written.cursor_max or Decimal(latest))
        for check, figure in zip(rows.checks, figures, strict=True):
            written.checks[check.name] += exact(figure)
    return written


def exact(figure: Any) -> int:
    """A figure of a check as a whole number of 10**-38: None is 0.

    Python's decimals would round sums of more than 28 digits.
    """
    if figure is None:
        return 0
    sign, digits, exponent = Decimal(figure).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  a sum is finite
    number = int("".join(map(str, digits))) * (-1 if sign else 1)
    shift = exponent + FIGURE_PLACES
    return int(number * 10**shift) if shift >= 0 else number // 10**-shift
