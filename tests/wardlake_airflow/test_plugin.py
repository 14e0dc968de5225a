"""What Airflow imports from the plugins folder."""

import subprocess
import sys

from airflow._shared.module_loading import find_path_from_directory

from wardlake.settings import PROJECT_ROOT
from wardlake_airflow.pages import app
from wardlake_airflow.plugin import WardlakePlugin

PLUGINS = PROJECT_ROOT / "plugins"


def test_only_the_plugin_module_is_imported_as_a_plugin() -> None:
    found = list(find_path_from_directory(str(PLUGINS), ".airflowignore", "glob"))
    assert [path for path in found if path.endswith(".py")] == [str(PLUGINS / "wardlake_airflow" / "plugin.py")]


def test_the_menu_leads_to_the_page() -> None:
    plugin = WardlakePlugin()
    (mounted,) = plugin.fastapi_apps
    assert mounted["app"] is app
    (view,) = plugin.external_views
    assert view["href"].removeprefix(mounted["url_prefix"]) in {route.path for route in app.routes}


def test_a_process_that_loads_the_plugin_does_not_pay_for_the_app() -> None:
    program = "import sys, wardlake_airflow.plugin; sys.exit('airflow.api_fastapi.core_api.security' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
