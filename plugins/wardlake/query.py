"""Reading published gold and silver with SQL."""

import duckdb
import pandas as pd

from wardlake.errors import PermanentError
from wardlake.settings import Settings
from wardlake.warehouse.connection import connect


def open_published(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A read-only connection with the published tables as `gold.<table>` and `silver.<table>`, and nothing else.

    Raises:
        PermanentError: nothing was published yet.
    """
    current = settings.published_dir / "current"
    if not current.exists():
        raise PermanentError("Nothing was published yet.", remedy="Run 'make demo' or 'wardlake run' first.")
    folder = current.resolve()
    connection = connect(settings)
    for schema in ("gold", "silver"):
        connection.execute(f"ATTACH '{folder / f'{schema}.duckdb'}' AS {schema} (READ_ONLY)")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def query(settings: Settings, sql: str) -> pd.DataFrame:
    """Rows of a query over published gold and silver.

    Raises:
        PermanentError: nothing was published yet, or the query is wrong; the message holds DuckDB's reason.
    """
    with open_published(settings) as connection:
        try:
            return connection.execute(sql).df()
        except duckdb.Error as error:
            raise PermanentError(
                f"The query failed: {error}",
                remedy="Tables are gold.<table> and silver.<table>; 'SHOW ALL TABLES' lists them.",
            ) from None
