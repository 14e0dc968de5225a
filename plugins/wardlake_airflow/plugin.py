"""What Wardlake adds to Airflow's UI. Every process of Airflow imports this module, so it imports little itself."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/wardlake"


class WardlakePlugin(AirflowPlugin):
    """Adds the newest quality report to the menu."""

    name = "wardlake"
    external_views = ({"name": "Quality report", "href": f"{PREFIX}/reports/newest", "destination": "nav"},)

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """The app of the reports; only the API server asks for it."""
        from wardlake_airflow.reports import app  # noqa: PLC0415  a second of imports that tasks can do without

        return [{"name": "wardlake", "app": app, "url_prefix": PREFIX}]
