"""Rows of a PostgreSQL table through DuckDB's scanner: parallel, read only, capped connections."""

import duckdb
import psycopg
from psycopg.conninfo import make_conninfo

from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.sources import PostgresConnection, Source
from wardlake.warehouse.connection import extension_file

CONNECT_TIMEOUT_S = 10
WIDE_NUMERIC = "numeric(38, 10)"  # NUMERIC without a scale would reach DuckDB as a double


def open_relation(engine: duckdb.DuckDBPyConnection, source: Source, table: str, uri: str) -> tuple[str, int]:
    """A DuckDB query for the table's rows, and the table's row count in the same snapshot.

    The engine stays inside the transaction that both belong to.

    Raises:
        PassingError: the server does not answer.
        PermanentError: wrong password, no such database or table, no right to read it.
    """
    connection = source.connection
    assert isinstance(connection, PostgresConnection)  # noqa: S101  the caller chose by kind
    relation = source.tables[table].relation or ""
    schema, name = relation.split(".")
    options = f"-c default_transaction_read_only=on -c statement_timeout={connection.statement_timeout_s}s"
    address = make_conninfo(uri, options=options, connect_timeout=CONNECT_TIMEOUT_S, application_name="wardlake")
    columns = _columns(address, source, table, schema, name)

    engine.execute(f"LOAD '{extension_file('postgres_scanner')}'")
    engine.execute(f"SET pg_pool_max_connections = {connection.max_connections}")
    engine.execute("ATTACH $address AS hospital (TYPE postgres, READ_ONLY)".replace("$address", _quoted(address)))
    engine.execute("BEGIN TRANSACTION")
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
