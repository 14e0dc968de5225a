"""Airflow's processes and configuration on one machine, its metadata in the embedded PostgreSQL.

SimpleAuthManager with one generated password is enough behind the loopback interface; docker-compose.yaml has a
real auth manager.
"""

import base64
import json
import secrets
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from wardlake.embedded import postgres
from wardlake.embedded.credentials import credential, write_private
from wardlake.embedded.ports import LOOPBACK
from wardlake.embedded.processes import Program, log_path, run_to_end, start_program, wait_until
from wardlake.embedded.rest import Airflow
from wardlake.errors import PermanentError
from wardlake.settings import Settings

USER = "admin"
GROUP = "airflow"
COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
}
MIGRATION = "airflow-migrate"
MIGRATION_TIMEOUT_S = 300
START_TIMEOUT_S = 300

PRELOADED = (
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.standard.decorators.python",
    "airflow.triggers.base",
    "boto3",
    "cosmos.converter",
    "cosmos.operators.local",
    "cosmos.plugin.airflow3",
    "croniter",
    "duckdb",
    "great_expectations",
    "openpyxl",
    "pandas",
    "psycopg",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
    "wardlake.embedded.freeze",
)
"""Modules that tasks share instead of importing them again: an import of Great Expectations alone takes seconds.

The library itself is not among them, so that the next task sees what a developer has changed.
"""


def programs() -> list[Program]:
    """The four components, started by `start`, and the migration of the metadata."""
    airflow = str(Path(sys.executable).with_name("airflow"))
    components = [
        Program(name, [airflow, *arguments], priority=10, group=GROUP, starts_at_once=False, stop_wait_s=20)
        for name, arguments in COMPONENTS.items()
    ]
    migration = Program(
        MIGRATION, [airflow, "db", "migrate"], priority=9, starts_at_once=False, restarts=False, stop_wait_s=20
    )
    return [migration, *components]


def environment(settings: Settings, port: int) -> dict[str, str]:
    """Configuration of the components and of every task; holds secrets."""
    home = settings.home
    folder = home / "airflow"
    folder.mkdir(parents=True, exist_ok=True)
    metadata = urlsplit(postgres.uri(home, "airflow"))
    login = f"{metadata.username}:{metadata.password}"
    address = f"{metadata.path}?host={postgres.socket_dir(home)}"
    configured: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": settings.project_root / "dags",
            "plugins_folder": settings.project_root / "plugins",
            "load_examples": False,
            "dagbag_import_error_tracebacks": False,
            "executor": "LocalExecutor",
            "parallelism": 6,
            "mp_start_method": "forkserver",
            "mp_forkserver_preload": ",".join(PRELOADED),
            "fernet_key": credential(home, "airflow-fernet", _fernet_key),
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": _passwords_file(home),
            "execution_api_server_url": f"{address_of(port)}/execution/",
        },
        "database": {
            "sql_alchemy_conn": f"postgresql+psycopg2://{login}@{address}",
            "sql_alchemy_conn_async": f"postgresql+asyncpg://{login}@{address}",
        },
        "api": {
            "host": LOOPBACK,
            "port": port,
            "base_url": address_of(port),
            "secret_key": credential(home, "airflow-session"),
        },
        "api_auth": {"jwt_secret": credential(home, "airflow-jwt")},
        "scheduler": {"scheduler_idle_sleep_time": 0.5, "task_instance_heartbeat_timeout": 120},
        "dag_processor": {"parsing_processes": 1, "min_file_process_interval": 60},
        "logging": {
            "base_log_folder": home / "logs" / "airflow",
            "dag_processor_child_process_log_directory": home / "logs" / "airflow" / "dag_processor",
            "file_task_handler_new_folder_permissions": "0o700",
            "file_task_handler_new_file_permissions": "0o600",
            "colored_console_log": False,
        },
        "cosmos": {"enable_telemetry": False, "enable_cache": False},
    }
    variables = {
        f"AIRFLOW__{section.upper()}__{option.upper()}": str(value)
        for section, options in configured.items()
        for option, value in options.items()
    }
    return {
        **variables,
        "AIRFLOW_HOME": str(folder),
        "WARDLAKE_HOME": str(home),
        "WARDLAKE_PROJECT_ROOT": str(settings.project_root),
        "PYTHONPATH": str(settings.project_root / "plugins"),
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
    }


def start(settings: Settings, port: int, before_parsing: Callable[[], object]) -> Airflow:
    """Bring the metadata to this version's schema, start the components and wait until all of them are healthy.

    `before_parsing` ends when the files are there that the DAG processor needs.
    """
    home = settings.home
    migrated = home / "airflow" / "migrated"
    installed = version("apache-airflow-core")
    if not migrated.exists() or migrated.read_text() != installed:
        run_to_end(home, MIGRATION, MIGRATION_TIMEOUT_S)
        migrated.write_text(installed)
    for name in COMPONENTS:
        if name == "dag-processor":
            before_parsing()
        start_program(home, f"{GROUP}:{name}")
    airflow = Airflow(address_of(port), USER, credential(home, "airflow-admin"))
    try:
        wait_until(lambda: not airflow.unhealthy(), START_TIMEOUT_S, "Airflow", log_path(home, "scheduler"))
    except PermanentError:
        parts = airflow.unhealthy()
        raise PermanentError(
            f"Airflow is not healthy after {START_TIMEOUT_S} seconds: {', '.join(parts)}.",
            remedy=f"See {' and '.join(str(log_path(home, part)) for part in parts)}.",
        ) from None
    airflow.log_in()
    return airflow


def address_of(port: int) -> str:
    """Address of the UI and of the API."""
    return f"http://{LOOPBACK}:{port}"


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _passwords_file(home: Path) -> Path:
    path = home / "secrets" / "airflow-passwords.json"
    write_private(path, json.dumps({USER: credential(home, "airflow-admin", lambda: secrets.token_urlsafe(12))}))
    return path
