"""What differs between warehouses outside of SQL: how dbt reaches one, how bronze gets in, how gold gets out.

dbt builds in the warehouse that WARDLAKE_WAREHOUSE names. The file at `settings.warehouse_path` is DuckDB's warehouse;
with another one it holds the bronze views, and a copy of the silver and gold that the other one built: the gate and the
publication read that copy and need not know where it came from.
"""

from typing import Protocol

import duckdb

from wardlake.errors import PermanentError
from wardlake.settings import Settings
from wardlake.sql import as_name
from wardlake.warehouse import bigquery, postgres, spark
from wardlake.warehouse.connection import relations, translate

BUILT_SCHEMAS = ("silver", "gold")


class Adapter(Protocol):
    """One warehouse, as a module."""

    def dbt_environment(self, settings: Settings) -> dict[str, str]:
        """What dbt_project/profiles.yml and the macros ask for beside the common variables; it holds secrets."""
        ...

    def show_bronze(self, settings: Settings, engine: duckdb.DuckDBPyConnection, schemas: list[str]) -> None:
        """Give the warehouse all tables of these schemas, as the views of `engine` show them."""
        ...

    def attach_built(self, settings: Settings, engine: duckdb.DuckDBPyConnection, schema: str) -> dict[str, str]:
        """The query that reads each table of a schema that dbt has built, by the table's name."""
        ...


ADAPTERS: dict[str, Adapter] = {"postgres": postgres, "spark": spark, "bigquery": bigquery}


def adapter_of(settings: Settings) -> Adapter | None:
    """The adapter of the warehouse; DuckDB needs none.

    Raises:
        PermanentError: this warehouse cannot be used yet.
    """
    if settings.warehouse == "duckdb":
        return None
    if settings.warehouse not in ADAPTERS:
        raise PermanentError(
            f"Wardlake cannot build in {settings.warehouse} yet.",
            remedy=f"Set WARDLAKE_WAREHOUSE to duckdb, {' or '.join(ADAPTERS)}.",
        )
    return ADAPTERS[settings.warehouse]


def fetch_built(settings: Settings, engine: duckdb.DuckDBPyConnection) -> None:
    """Copy silver and gold from the warehouse into the database of `engine`, a schema in one transaction.

    Raises:
        PermanentError: the copy does not work.
        PassingError: the server of the warehouse does not answer.
    """
    adapter = adapter_of(settings)
    if adapter is None:
        return
    try:
        for schema in BUILT_SCHEMAS:
            queries = adapter.attach_built(settings, engine, schema)
            engine.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            engine.execute("BEGIN")
            for name in relations(engine, schema):
                engine.execute(f"DROP TABLE {schema}.{as_name(name)}")
            for name, query in queries.items():
                engine.execute(f"CREATE TABLE {schema}.{as_name(name)} AS {query}")
            engine.execute("COMMIT")
    except duckdb.Error as error:
        raise translate(error, f"The copy of what {settings.warehouse} built") from None  # its text may hold values
