"""What Wardlake adds to Airflow's UI. Every process of Airflow imports this module, so it imports little itself."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from wardlake_airflow.links import PREFIX


class WardlakePlugin(AirflowPlugin):
    """Adds the page 'Data quality' to the menu."""

    name = "wardlake"
    external_views = (
        {"name": "Data quality", "href": f"{PREFIX}/quality", "url_route": "data-quality", "destination": "nav"},
    )

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """The app of the page; only the API server asks for it."""
        from wardlake_airflow.pages import app  # noqa: PLC0415  a second of imports that tasks can do without

        return [{"name": "wardlake", "app": app, "url_prefix": PREFIX}]
