"""PostgreSQL as the warehouse: bronze is copied into it, streamed by DuckDB, and gold is read back the same way."""

import duckdb
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.privacy import pseudonym_pads
from wardlake.settings import Settings
from wardlake.sql import as_name, as_text
from wardlake.warehouse.connection import extension_file, relations

CONNECT_TIMEOUT_S = 10
CONNECTION = "postgres_warehouse"


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Parts of the address, and what the sessions of dbt know; libpq reads PGOPTIONS, no query ever holds the key."""
    address = {name: str(value) for name, value in conninfo_to_dict(settings.connection_uri(CONNECTION)).items()}
    options = {"timezone": "UTC"}
    if settings.pseudonym_key is not None:
        pads = pseudonym_pads(settings)
        options |= {"wardlake.pseudonym_inner": pads.inner.hex(), "wardlake.pseudonym_outer": pads.outer.hex()}
    return {
        "WARDLAKE_POSTGRES_HOST": address.get("host", "localhost"),
        "WARDLAKE_POSTGRES_PORT": address.get("port", "5432"),
        "WARDLAKE_POSTGRES_DATABASE": address.get("dbname", "postgres"),
        "WARDLAKE_POSTGRES_USER": address.get("user", "postgres"),
        "DBT_ENV_SECRET_POSTGRES_PASSWORD": address.get("password", ""),
        "PGSSLMODE": address.get("sslmode", "prefer"),
        "PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in options.items()),
    }


def show_bronze(settings: Settings, engine: duckdb.DuckDBPyConnection, schemas: list[str]) -> None:
    """Replace the bronze tables of the warehouse, all of them in one transaction.

    Raises:
        PassingError: the server does not answer.
        PermanentError: it cannot be used, or refuses the rows.
    """
    _check(settings)
    _attach(settings, engine, read_only=False)
    engine.execute("BEGIN")
    for schema in schemas:
        # the staging views go as well; dbt makes them again
        engine.execute(f"DROP SCHEMA IF EXISTS built_in.{as_name(schema)} CASCADE")
        engine.execute(f"CREATE SCHEMA built_in.{as_name(schema)}")
        for view in relations(engine, schema):
            name = f"{as_name(schema)}.{as_name(view)}"
            engine.execute(f"CREATE TABLE built_in.{name} AS FROM {name}")
            # the server would do so some time later, and plan badly until then
            engine.execute("CALL postgres_execute('built_in', ?)", [f"ANALYZE {name}"])
    engine.execute("COMMIT")


def attach_built(settings: Settings, engine: duckdb.DuckDBPyConnection, schema: str) -> dict[str, str]:
    """Queries over the tables that dbt has built; the connection keeps the warehouse attached."""
    if ("built_in",) not in engine.execute("SELECT database_name FROM duckdb_databases()").fetchall():
        _attach(settings, engine, read_only=True)
    names = relations(engine, schema, "built_in")
    return {name: f"FROM built_in.{as_name(schema)}.{as_name(name)}" for name in names}


def _attach(settings: Settings, engine: duckdb.DuckDBPyConnection, *, read_only: bool) -> None:
    engine.execute(f"LOAD '{extension_file('postgres_scanner')}'")
    engine.execute(f"SET pg_pool_max_connections = {settings.threads}")
    engine.execute("SET pg_pool_acquire_mode = 'wait'")  # the default goes over the limit
    address = make_conninfo(settings.connection_uri(CONNECTION), options="-c timezone=UTC", application_name="wardlake")
    try:
        engine.execute(f"ATTACH {as_text(address)} AS built_in (TYPE postgres{', READ_ONLY' if read_only else ''})")
    except duckdb.Error:
        raise _unreachable() from None  # its text holds the password


def _check(settings: Settings) -> None:
    """Refuse a database that sorts text by the rules of a language: every other warehouse compares bytes."""
    try:
        with psycopg.connect(settings.connection_uri(CONNECTION), connect_timeout=CONNECT_TIMEOUT_S) as connection:
            by_language, encoding = connection.execute("SELECT 'a' < 'B', getdatabaseencoding()").fetchall()[0]
    except psycopg.OperationalError:
        raise _unreachable() from None  # its text holds the address
    if by_language or encoding != "UTF8":
        raise PermanentError(
            f"The warehouse's database must sort text by bytes and store it as UTF8, not {encoding}.",
            remedy="Create one with: CREATE DATABASE warehouse TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'.",
        )


def _unreachable() -> WardlakeError:
    return PassingError(
        "The PostgreSQL server of the warehouse does not let us in.",
        remedy=f"Check the connection {CONNECTION}, and that the server runs.",
    )
