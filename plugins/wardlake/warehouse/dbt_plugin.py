"""What dbt-duckdb calls on each connection that dbt opens: the same preparation as everywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.plugins import BasePlugin

from wardlake.privacy import without_values
from wardlake.settings import load_settings
from wardlake.warehouse.connection import prepare, prepare_session

ABOUT_THE_QUERY = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)

translate_error = DuckDBConnectionManager.exception_handler


class Plugin(BasePlugin):
    """Named in dbt_project/profiles.yml as `wardlake.warehouse.dbt_plugin`."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:  # noqa: ARG002
        """Read the settings once for each dbt process, and keep values out of every error that dbt will show."""
        self._settings = load_settings()
        setattr(DuckDBConnectionManager, "exception_handler", without_values_in_errors)  # noqa: B010  typed as a method

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Load extensions and the S3 secret when the database is opened."""
        prepare(conn, self._settings)

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Set the time zone and the pseudonym key on the cursor of each thread."""
        prepare_session(cursor, self._settings)


@contextmanager
def without_values_in_errors(
    manager: DuckDBConnectionManager, sql: str, connection_name: str = "master"
) -> Iterator[None]:
    """Errors of DuckDB without the values that it quotes: dbt writes them to logs, results and, in Airflow, XComs."""
    with translate_error(manager, sql, connection_name):
        try:
            yield
        except duckdb.Error as error:
            raise type(error)(without_values(str(error), keep_names=isinstance(error, ABOUT_THE_QUERY))) from None
