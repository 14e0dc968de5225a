"""A database through its ADBC driver, which hands over Arrow batches by itself."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

import adbc_driver_manager
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from adbc_driver_manager import dbapi
from sqlalchemy import types
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.default import DefaultDialect

from wardlake.bronze.readers.arrow.batches import UnfitError
from wardlake.bronze.readers.arrow.columns import Column, unscaled_type
from wardlake.bronze.readers.arrow.faults import Place, missing_driver
from wardlake.bronze.readers.arrow.queries import split
from wardlake.bronze.relation import Opening
from wardlake.sources import Table
from wardlake.sources.connections import AdbcConnection


def driver(opening: Opening) -> "AdbcDriver":
    """The driver that the YAML names.

    Raises:
        PermanentError: it is not installed.
    """
    connection = opening.source.connection
    assert isinstance(connection, AdbcConnection)  # noqa: S101  the caller chose by kind
    uri = opening.uri or opening.settings.connection_uri(connection.conn_id)
    try:
        module = import_module(f"{connection.driver}.dbapi")
    except ModuleNotFoundError as error:
        raise missing_driver(error, Place(opening.source)) from None
    return AdbcDriver(module, uri, connection.statement_timeout_s)


@dataclass
class AdbcDriver:
    """One connection of an ADBC driver."""

    module: ModuleType
    uri: str
    statement_timeout_s: int
    errors: tuple[type[Exception], ...] = (adbc_driver_manager.Error, pa.ArrowException, OSError, UnfitError)
    dialect: Dialect = field(default_factory=DefaultDialect)
    _connection: dbapi.Connection | None = None

    @property
    def connection(self) -> dbapi.Connection:
        """The open connection."""
        assert self._connection is not None  # noqa: S101  the session opens first
        return self._connection

    def open(self) -> str | None:
        """Connect and begin a transaction; on PostgreSQL it is read only and shows one moment."""
        self._connection = self.module.connect(self.uri)
        if self.connection.adbc_get_info().get("vendor_name") != "PostgreSQL":
            return None
        self.dialect = postgresql.base.PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
        with self.connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(f"SET LOCAL statement_timeout = {self.statement_timeout_s * 1000}")
            cursor.execute("SELECT pg_current_snapshot()::text")
            snapshot = cursor.fetchone()
        return str(snapshot[0]) if snapshot else None

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def columns(self, table: Table) -> list[Column]:
        """The table's columns by the types that the driver gives them."""
        schema, name = split(table.relation or "")
        nothing = sa.select(sa.text("*")).select_from(sa.table(name, schema=schema)).where(sa.false())
        with self.connection.cursor() as cursor:
            cursor.execute(self._sql(nothing))
            found = cursor.fetch_record_batch().schema
        declared = {name: column.type for name, column in table.columns.items()}
        return [_column(column, declared.get(column.name)) for column in found]

    def batches(self, statement: sa.Select[Any], columns: Sequence[Column]) -> Generator[pa.RecordBatch]:
        """The rows, in batches of the driver's own size.

        Raises:
            UnfitError: a number has more digits than its column.
        """
        rows = 0
        with self.connection.cursor() as cursor:
            cursor.execute(self._sql(statement))
            for batch in cursor.fetch_record_batch():
                arrays = [_cast(column, batch.column(place), rows) for place, column in enumerate(columns)]
                yield pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])
                rows += batch.num_rows

    def row(self, statement: sa.Select[Any]) -> Sequence[Any]:
        """The one row of a statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(self._sql(statement))
            row: Sequence[Any] = cursor.fetchall()[0]
        return row

    def _sql(self, statement: sa.Select[Any]) -> str:
        # drivers mark parameters each in its own way; the values are dates and numbers of Wardlake's own
        return str(statement.compile(dialect=self.dialect, compile_kwargs={"literal_binds": True}))


def _column(found: pa.Field, declared: str | None) -> Column:
    """How a column is read: what the driver does not understand is cast to text by the database."""
    arrow, column = found.type, sa.column(found.name, types.NullType())
    if isinstance(arrow, pa.OpaqueType) and arrow.type_name != "numeric":
        return Column(found.name, sa.cast(column, types.Text()), pa.string(), is_any=True)
    if isinstance(arrow, pa.OpaqueType):
        arrow = unscaled_type(declared)
    if isinstance(arrow, pa.JsonType):
        arrow = arrow.storage_type
    if pa.types.is_decimal(arrow):
        return Column(found.name, sa.column(found.name, types.Numeric(arrow.precision, arrow.scale)), arrow)
    if pa.types.is_timestamp(arrow):
        return Column(found.name, sa.column(found.name, types.DateTime(timezone=arrow.tz is not None)), arrow)
    if pa.types.is_date(arrow):
        return Column(found.name, sa.column(found.name, types.Date()), arrow)
    return Column(found.name, column, arrow)


def _cast(column: Column, values: pa.Array, before: int) -> pa.Array:
    """An array of the driver as one of the column's type; numbers in text become decimals, or stay text."""
    plain = values.storage if isinstance(values.type, pa.OpaqueType | pa.JsonType) else values
    try:
        return pc.cast(plain, column.arrow)
    except pa.ArrowInvalid:
        place = next(place for place in range(len(plain)) if not _fits(plain.slice(place, 1), column.arrow))
        raise UnfitError(
            f"column '{column.name}' holds a value that is no {column.arrow} in row {before + place + 1}"
        ) from None


def _fits(value: pa.Array, arrow: pa.DataType) -> bool:
    try:
        pc.cast(value, arrow)
    except pa.ArrowInvalid:
        return False
    return True
