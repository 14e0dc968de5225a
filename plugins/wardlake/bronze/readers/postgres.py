"""Rows of PostgreSQL tables through DuckDB's scanner: parallel, read only, capped connections, one snapshot."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import psycopg
from psycopg.conninfo import make_conninfo

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.relation import Opening, Relation, Request, SourceFacts
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.sources import Source
from wardlake.sources.connections import PostgresConnection
from wardlake.warehouse.connection import extension_file

CONNECT_TIMEOUT_S = 10
WIDE_NUMERIC = "numeric(38, 10)"  # NUMERIC without a scale would reach DuckDB as a double


@contextmanager
def session(opening: Opening) -> Iterator["PostgresSession"]:
    """A transaction in which all tables show one moment."""
    connection = opening.source.connection
    assert isinstance(connection, PostgresConnection)  # noqa: S101  the caller chose by kind
    uri = opening.uri or opening.settings.connection_uri(connection.conn_id)
    options = f"-c default_transaction_read_only=on -c statement_timeout={connection.statement_timeout_s}s"
    address = make_conninfo(uri, options=options, connect_timeout=CONNECT_TIMEOUT_S, application_name="wardlake")
    engine = opening.engine
    engine.execute(f"LOAD '{extension_file('postgres_scanner')}'")
    engine.execute(f"SET pg_pool_max_connections = {connection.max_connections}")
    yield PostgresSession(opening, address)


@dataclass
class PostgresSession:
    """A transaction of a PostgreSQL database."""

    opening: Opening
    address: str
    snapshot: str | None = None
    is_attached: bool = False

    def read(self, request: Request) -> Relation:
        """The rows of a table, and their number in the same snapshot."""
        engine, source = self.opening.engine, self.opening.source
        relation = source.tables[request.table].relation or ""
        schema, name = relation.split(".")
        columns = _columns(self.address, source, request.table, schema, name)
        if not self.is_attached:
            engine.execute(f"ATTACH {_quoted(self.address)} AS hospital (TYPE postgres, READ_ONLY)")
            engine.execute("BEGIN TRANSACTION")
            self.is_attached = True
        query, rows = _open(engine, schema, name, columns)
        described = engine.execute(f"DESCRIBE {query}").fetchall()
        return Relation(
            chunks=(query,),
            columns=tuple(BronzeColumn(name=name, type=type_) for name, type_, *_ in described),
            facts=lambda: SourceFacts(rows),
            order_by=tuple(_double(key) for key in source.tables[request.table].keys),
        )


def _open(
    engine: duckdb.DuckDBPyConnection, schema: str, name: str, columns: list[tuple[str, bool]]
) -> tuple[str, int]:
    counted = f"SELECT count(*) FROM {_double(schema)}.{_double(name)}"
    rows = engine.execute(f"FROM postgres_query('hospital', {_quoted(counted)})").fetchall()[0][0]
    if any(is_unscaled for _, is_unscaled in columns):
        listed = ", ".join(
            f"{_double(column)}::{WIDE_NUMERIC} AS {_double(column)}" if is_unscaled else _double(column)
            for column, is_unscaled in columns
        )
        cast = f"SELECT {listed} FROM {_double(schema)}.{_double(name)}"
        return f"SELECT * FROM postgres_query('hospital', {_quoted(cast)})", int(rows)
    return f"SELECT * FROM hospital.{_double(schema)}.{_double(name)}", int(rows)


def _columns(address: str, source: Source, table: str, schema: str, name: str) -> list[tuple[str, bool]]:
    """Name of each column in order, and whether it is a NUMERIC without precision."""
    try:
        with psycopg.connect(address) as connection:
            columns = connection.execute(
                """
                select attname, atttypid = 'numeric'::regtype and atttypmod = -1
                from pg_attribute
                where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
                order by attnum
                """,
                [f"{_double(schema)}.{_double(name)}"],
            ).fetchall()
            if columns:
                connection.execute(f"select 1 from {_double(schema)}.{_double(name)} limit 0")
    except psycopg.Error as error:
        raise _explain(error, source, table, f"{schema}.{name}") from error
    if not columns:
        raise PermanentError(
            f"{source.name}.{table}: the database has no table {schema}.{name} that this user can see.",
            remedy=f"Correct 'relation' in dags/sources/{source.name}.yaml, or grant USAGE on schema {schema}.",
        )
    return [(column, is_unscaled) for column, is_unscaled in columns]


def _explain(error: psycopg.Error, source: Source, table: str, relation: str) -> WardlakeError:
    conn_id = getattr(source.connection, "conn_id", "")
    text = str(error)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return PermanentError(
            f"{source.name}.{table}: the user of connection '{conn_id}' may not read {relation}.",
            remedy=f"GRANT SELECT ON {relation} to that user.",
        )
    if "password authentication failed" in text or "no password supplied" in text:
        return PermanentError(
            f"{source.name}.{table}: the database refused the login of connection '{conn_id}'.",
            remedy=f"Correct user and password of the connection '{conn_id}'.",
        )
    if 'database "' in text and "does not exist" in text:
        return PermanentError(
            f"{source.name}.{table}: the database that connection '{conn_id}' names does not exist.",
            remedy=f"Correct the database name of the connection '{conn_id}'.",
        )
    return PassingError(
        f"{source.name}.{table}: the database of connection '{conn_id}' cannot be reached or gave up "
        f"({type(error).__name__}).",
        remedy="Check host, port and network, and that the server is up; the task will try again.",
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _double(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
