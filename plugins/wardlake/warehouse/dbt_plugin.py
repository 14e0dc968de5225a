"""What dbt-duckdb calls on each connection that dbt opens: the same preparation as everywhere else."""

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from wardlake.settings import load_settings
from wardlake.warehouse.connection import prepare, prepare_session


class Plugin(BasePlugin):
    """Named in dbt_project/profiles.yml as `wardlake.warehouse.dbt_plugin`."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:  # noqa: ARG002
        """Read the settings once for each dbt process."""
        self._settings = load_settings()

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Load extensions and the S3 secret when the database is opened."""
        prepare(conn, self._settings)

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        """Set the time zone and the pseudonym key on the cursor of each thread."""
        prepare_session(cursor, self._settings)
