"""A table as one stream of Arrow batches, and what the source says of it in the same transaction."""

import uuid
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.arrow.columns import Column
from wardlake.bronze.readers.arrow.faults import Place, explain, missing_column, missing_table
from wardlake.bronze.readers.arrow.queries import Figure, facts_of, figures_of, rows_of
from wardlake.bronze.reading import Reading
from wardlake.bronze.relation import Opening, Relation, Request, SourceFacts
from wardlake.errors import WardlakeError
from wardlake.sources import Table
from wardlake.sql import as_name

ROW_GROUP_ROWS = 20_480  # how wide the rows are is not known: a group of 2 KB of text each still fits in memory


class Driver(Protocol):
    """One connection to a database. Its methods raise the exceptions of `errors`, UnfitError among them."""

    errors: tuple[type[Exception], ...]

    @property
    def dialect(self) -> Dialect:
        """How statements are written; known once the driver is open."""

    def open(self) -> str | None:
        """Connect and begin a transaction; returns the name of the moment that it shows, if it has one."""

    def close(self) -> None:
        """Close the connection, if it is open."""

    def columns(self, table: Table) -> list[Column]:
        """All columns of the table in their order; none if there is no such table."""

    def batches(self, statement: sa.Select[Any], columns: Sequence[Column]) -> Generator[pa.RecordBatch]:
        """The rows of a statement that selects the columns."""

    def row(self, statement: sa.Select[Any]) -> Sequence[Any]:
        """The one row of a statement."""


@dataclass
class ArrowSession:
    """A transaction of a database. After a fault the next table gets a new one, and shows a later moment."""

    opening: Opening
    driver: Driver
    snapshot: str | None = None
    moment: datetime | None = None
    _is_open: bool = False
    _failure: WardlakeError | None = None
    _stream: "_Stream | None" = None

    def connect(self) -> None:
        """Begin a transaction unless one is under way."""
        if not self._is_open:
            try:
                self.snapshot = self.driver.open()
            except self.driver.errors as error:
                self.driver.close()
                raise explain(error, Place(self.opening.source)) from None
            self._is_open = True

    def close(self) -> None:
        """End the transaction and what is still being read."""
        self._stop_reading()
        self.driver.close()
        self._is_open = False

    def read(self, request: Request) -> Relation:
        """The rows of a table; the database is asked for them when the relation's query runs."""
        source, spec = self.opening.source, self.opening.source.tables[request.table]
        place = Place(source, request.table, spec.relation or "")
        self._stop_reading()
        self._failure = None
        if not source.consistent and request.columns is None:
            self.close()
        self.connect()
        columns = self._columns(spec, place)
        if request.reading.column and request.reading.column not in {column.name for column in columns}:
            raise missing_column(place, request.reading.column)
        statement = rows_of(place.relation, columns, request.reading, request.columns, self.driver.dialect.name)
        if request.columns is not None:
            columns = [column for column in columns if column.name in request.columns]
        self._stream = _Stream(self._batches(statement, columns, place))
        query, found = _offer(self.opening.engine, columns, self._stream)
        figures = () if request.columns else figures_of(spec, columns, found, self.driver.dialect.name)
        return Relation(
            chunks=(query,),
            columns=found,
            facts=lambda: self._facts(columns, request.reading, figures, place),
            order_by=tuple(map(as_name, spec.keys)),
            checks=tuple(figure.check for figure in figures),
            explain=lambda _: self._failure,
            row_group_rows=ROW_GROUP_ROWS,
        )

    def _stop_reading(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _columns(self, spec: Table, place: Place) -> list[Column]:
        try:
            columns = self.driver.columns(spec)
        except self.driver.errors as error:
            self.close()
            raise explain(error, place) from None
        if not columns:
            raise missing_table(place)
        return columns

    def _batches(self, statement: sa.Select[Any], columns: Sequence[Column], place: Place) -> Generator[pa.RecordBatch]:
        rows = 0
        try:
            for batch in self.driver.batches(statement, columns):
                yield batch
                rows += batch.num_rows
        except self.driver.errors as error:
            self._failure = explain(error, place, rows)
            self.driver.close()
            self._is_open = False
            # DuckDB puts the text of this error, with its causes, into its own
            raise self._failure from None

    def _facts(
        self, columns: Sequence[Column], reading: Reading, figures: Sequence[Figure], place: Place
    ) -> SourceFacts:
        if self._failure:
            raise self._failure
        statement = facts_of(
            place.relation, columns, reading, [figure.expression for figure in figures], self.driver.dialect.name
        )
        try:
            rows, *values = self.driver.row(statement)
        except self.driver.errors as error:
            self.close()
            raise explain(error, place) from None
        checks: dict[str, object] = {
            figure.check.name: figure.whole(value) for figure, value in zip(figures, values, strict=True)
        }
        return SourceFacts(int(rows), checks)


class _Stream:
    """Batches as DuckDB's threads ask for them. A query that fails may leave one of them waiting for a batch."""

    def __init__(self, batches: Generator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._turn = Lock()

    def __iter__(self) -> "_Stream":
        return self

    def __next__(self) -> pa.RecordBatch:
        with self._turn:
            return next(self._batches)

    def close(self) -> None:
        """End the stream, as soon as the batch that is being fetched has come."""
        with self._turn:
            self._batches.close()


def _offer(
    engine: duckdb.DuckDBPyConnection, columns: Sequence[Column], batches: _Stream
) -> tuple[str, tuple[BronzeColumn, ...]]:
    """A query of the engine that runs once and pulls the batches as it writes; and its columns."""
    name = f"stream_{uuid.uuid4().hex}"
    schema = pa.schema([(column.name, column.arrow) for column in columns])
    engine.register(name, pa.RecordBatchReader.from_batches(schema, batches))
    query = f"SELECT * FROM {name}"
    described = engine.execute(f"DESCRIBE {query}").fetchall()
    return query, tuple(BronzeColumn(name=column, type=type_) for column, type_, *_ in described)
