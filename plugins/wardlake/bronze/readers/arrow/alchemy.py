"""A database through SQLAlchemy: SQL Server, Oracle, and all others whose dialect is installed."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from wardlake.bronze.readers.arrow.batches import BatchSize, UnfitError, batch_of
from wardlake.bronze.readers.arrow.columns import Column, column_of
from wardlake.bronze.readers.arrow.faults import Place, missing_driver
from wardlake.bronze.readers.arrow.moment import begin, connect_arguments
from wardlake.bronze.readers.arrow.queries import split
from wardlake.bronze.relation import Opening
from wardlake.errors import PermanentError
from wardlake.sources import Table
from wardlake.sources.connections import SqlAlchemyConnection


def driver(opening: Opening) -> "AlchemyDriver":
    """The driver that the address names.

    Raises:
        PermanentError: it is not installed, or the address is no SQLAlchemy URL.
    """
    connection = opening.source.connection
    assert isinstance(connection, SqlAlchemyConnection)  # noqa: S101  the caller chose by kind
    uri = opening.uri or opening.settings.connection_uri(connection.conn_id)
    try:
        url = sa.make_url(uri)
        arguments = connect_arguments(url.get_driver_name(), connection.statement_timeout_s)
        engine = sa.create_engine(url, poolclass=NullPool, connect_args=arguments)
    except ModuleNotFoundError as error:
        raise missing_driver(error, Place(opening.source)) from None
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise PermanentError(
            f"{opening.source.name}: the address of connection '{connection.conn_id}' is no SQLAlchemy URL of a "
            "database that is known here.",
            remedy="Write it as dialect+driver://user:password@host:port/database, with the characters @ : / % of "
            "user and password as %40 %3A %2F %25, and install the dialect.",
        ) from None
    return AlchemyDriver(engine, connection)


@dataclass
class AlchemyDriver:
    """One connection of a SQLAlchemy engine."""

    engine: sa.Engine
    settings: SqlAlchemyConnection
    errors: tuple[type[Exception], ...] = (SQLAlchemyError, UnfitError)
    _connection: sa.Connection | None = None

    @property
    def dialect(self) -> Dialect:
        """The dialect of the engine."""
        return self.engine.dialect

    @property
    def connection(self) -> sa.Connection:
        """The open connection."""
        assert self._connection is not None  # noqa: S101  the session opens first
        return self._connection

    def open(self) -> str | None:
        """Connect and begin a transaction."""
        self._connection = self.engine.connect()
        return begin(self._connection, self.settings.statement_timeout_s)

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def columns(self, table: Table) -> list[Column]:
        """The table's columns by their types in the database."""
        schema, name = split(table.relation or "")
        try:
            found = sa.inspect(self.connection).get_columns(name, schema)
        except NoSuchTableError:
            return []
        declared = {name: column.type for name, column in table.columns.items()}
        return [
            column_of(column["name"], column["type"], self.dialect.name, declared.get(column["name"]))
            for column in found
        ]

    def batches(self, statement: sa.Select[Any], columns: Sequence[Column]) -> Generator[pa.RecordBatch]:
        """The rows, fetched from the server a few at a time.

        Raises:
            UnfitError: a value is not of its column's type.
        """
        size, rows = BatchSize(columns, self.settings.batch_rows), 0
        with self.connection.execute(statement, execution_options={"stream_results": True}) as result:
            while fetched := result.fetchmany(size.rows):
                batch = batch_of(columns, fetched, before=rows)
                rows += batch.num_rows
                size.learn(batch)
                yield batch

    def row(self, statement: sa.Select[Any]) -> Sequence[Any]:
        """The one row of a statement."""
        return self.connection.execute(statement).one()
