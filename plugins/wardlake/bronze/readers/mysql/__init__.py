"""Rows of MySQL and MariaDB tables through DuckDB's scanner: one connection, read only, one snapshot.

| module | what it knows |
|---|---|
| `address` | the parts of the connection's address |
| `server` | the one connection and its snapshot |
| `columns` | how a column is read, so that no value changes |
| `queries` | which rows are asked for |
| `pages` | rows that the scanner cannot ask for |
| `facts` | what the server says of the rows |
| `faults` | what an error of the server means |
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb

from wardlake.bronze.checks import Dialect, figures_of
from wardlake.bronze.readers.mysql.address import address_of
from wardlake.bronze.readers.mysql.columns import bronze_columns, shape_of
from wardlake.bronze.readers.mysql.facts import explain_difference, facts_of
from wardlake.bronze.readers.mysql.faults import Place, broken, explain
from wardlake.bronze.readers.mysql.queries import rows_query
from wardlake.bronze.readers.mysql.server import Server, backtick, double
from wardlake.bronze.relation import Opening, Relation, Request
from wardlake.sources.connections import MySqlConnection

DIALECT = Dialect(quote=backtick, whole="DECIMAL(60, 0)")


@contextmanager
def session(opening: Opening) -> Iterator["MySqlSession"]:
    """A transaction in which all tables show one moment.

    Neither MySQL nor MariaDB can share a snapshot between connections: there is one, whatever `max_connections` allows.
    """
    connection = opening.source.connection
    assert isinstance(connection, MySqlConnection)  # noqa: S101  the caller chose by kind
    address = address_of(opening.uri or opening.settings.connection_uri(connection.conn_id), connection.conn_id)
    server = Server(opening.engine, address, Place(opening.source), connection.statement_timeout_s)
    server.attach()
    try:
        server.begin()
    except duckdb.Error as error:
        raise explain(error, server.place) or broken(server.place) from None
    yield MySqlSession(opening, server)


@dataclass(frozen=True)
class MySqlSession:
    """A snapshot of a database."""

    opening: Opening
    server: Server

    @property
    def snapshot(self) -> str | None:
        """The server's time, in UTC, and the position of its binary log if it says it."""
        return self.server.snapshot

    @property
    def moment(self) -> datetime | None:
        """The server's clock when the snapshot was opened."""
        return self.server.moment

    def read(self, request: Request) -> Relation:
        """The rows of a table, and what the server says of them in the same snapshot.

        A table that failed has ended the snapshot; the next one opens its own, and its manifest says so.
        """
        source = self.opening.source
        relation = source.tables[request.table].relation or ""
        schema, name = relation.split(".") if "." in relation else (self.server.address.database, relation)
        place = Place(source, request.table, f"{schema}.{name}")
        try:
            return self._relation(request, place, schema, name)
        except duckdb.Error as error:
            raise explain(error, place) or error from None

    def _relation(self, request: Request, place: Place, schema: str, name: str) -> Relation:
        server, table, reading = self.server, place.source.tables[request.table], request.reading
        server.begin()
        shape = shape_of(server, table, place, schema, name)
        wanted = shape.columns if request.columns is None else shape.find(request.columns, place)
        columns = bronze_columns(wanted)
        times = [column.name for column in wanted if column.source_type == "time"]
        # of keys alone nothing but their number is compared
        figures = figures_of(table, columns, DIALECT, only_counted=times) if request.columns is None else ()
        return Relation(
            chunks=(rows_query(server, shape, wanted, reading, request.work / "pages", place),),
            columns=columns,
            facts=lambda: facts_of(server, shape, wanted, figures, reading, place),
            # InnoDB hands out the rows in the order of the primary key
            order_by=() if set(shape.keys) == set(table.keys) else tuple(double(key) for key in table.keys),
            checks=tuple(figure.check for figure in figures),
            explain=lambda error: explain(error, place),
            explain_difference=lambda differing: explain_difference(differing, server, shape, wanted, reading, place),
        )
