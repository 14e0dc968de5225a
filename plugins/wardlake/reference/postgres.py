"""The vendor's database of the reference hospital: created, filled through DuckDB, safe to repeat and to kill."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb
import psycopg
from psycopg import sql

from wardlake.errors import PassingError, PermanentError
from wardlake.reference.generate import FOLDER, TABLES
from wardlake.sql import as_text
from wardlake.warehouse.connection import extension_file

LOCK = 728_451_077
"""Advisory lock of PostgreSQL that one loader holds."""


@contextmanager
def locked(pg_uri: str) -> Iterator[psycopg.Connection]:
    """A connection that alone may load this database.

    Raises:
        PassingError: the server does not answer, or another process loads the same database.
    """
    try:
        connection = psycopg.connect(pg_uri, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise PassingError(
            "The database of the reference hospital cannot be reached.", remedy="Start PostgreSQL, then try again."
        ) from error
    with connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        if row is None or not row[0]:
            raise PassingError(
                "Another process is loading this database.", remedy="Wait until it has ended, then try again."
            )
        try:
            yield connection
        except psycopg.Error as error:
            raise PermanentError(
                f"PostgreSQL refused the load ({type(error).__name__}).",
                remedy="Load as a user who owns the database; the server's log has the statement.",
            ) from error


def loaded_as(connection: psycopg.Connection, schemas: tuple[str, ...]) -> str | None:
    """What was loaded completely (the text given to `mark_loaded`), or None.

    Raises:
        PermanentError: the schemas exist, but were not made by this loader.
    """
    marker = connection.execute("SELECT to_regclass('wardlake_loader.loaded')").fetchone()
    if marker is None or marker[0] is None:
        taken = connection.execute(
            "SELECT string_agg(nspname, ', ') FROM pg_namespace WHERE nspname = ANY(%s)", [list(schemas)]
        ).fetchone()
        if taken and taken[0]:
            raise PermanentError(
                f"The database has schemas {taken[0]} that Wardlake did not create.",
                remedy="Name an empty database: these schemas would be replaced.",
            )
        connection.execute("CREATE SCHEMA wardlake_loader")
        connection.execute("CREATE TABLE wardlake_loader.loaded (what text NOT NULL, loaded_at timestamptz NOT NULL)")
        return None
    row = connection.execute("SELECT what FROM wardlake_loader.loaded").fetchone()
    return str(row[0]) if row else None


def mark_loaded(connection: psycopg.Connection, what: str) -> None:
    """Record that the load is complete; it is the last step."""
    connection.execute("INSERT INTO wardlake_loader.loaded VALUES (%s, now())", [what])


def start_over(connection: psycopg.Connection, schemas: tuple[str, ...], ddl: str) -> None:
    """Drop what an earlier load left, and create empty tables."""
    connection.execute("DELETE FROM wardlake_loader.loaded")
    for schema in schemas:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
    run_script(connection, ddl)


def run_script(connection: psycopg.Connection, name: str) -> None:
    """Run a script of the folder `ddl`."""
    connection.execute((FOLDER / "ddl" / name).read_bytes())


def attach(engine: duckdb.DuckDBPyConnection, pg_uri: str) -> None:
    """Make the database writable from DuckDB as `vendor`."""
    engine.execute(f"LOAD '{extension_file('postgres_scanner')}'")
    engine.execute("ATTACH " + as_text(pg_uri) + " AS vendor (TYPE postgres)")


def fill(
    engine: duckdb.DuckDBPyConnection,
    connection: psycopg.Connection,
    pg_uri: str,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Replace the hospital's tables by the generated ones, then add keys and indexes."""
    start_over(connection, ("adt", "ehr", "hr"), "hospital.sql")
    attach(engine, pg_uri)
    for table in TABLES:
        progress(f"loading {table}")
        engine.execute(f"INSERT INTO vendor.{table} FROM {table}")
    engine.execute("DETACH vendor")
    progress("keys and indexes")
    run_script(connection, "hospital_keys.sql")
