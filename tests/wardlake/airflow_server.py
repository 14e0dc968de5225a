"""A real Airflow with users and roles (FAB), its scheduler and one small DAG, on the loopback interface."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from wardlake.settings import PROJECT_ROOT, Settings

PASSWORD = "only-for-tests"
SECRET = "only-for-tests-0123456789-0123456789-0123456789-0123456789-0123456789"
START_TIMEOUT_S = 180
COMPONENTS = (["api-server", "--workers", "1"], ["scheduler", "--skip-serve-logs"], ["dag-processor"])

MAKE_USERS = """
import sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from wardlake_airflow.roles import make_roles

make_roles()
make_roles()  # safe to repeat
with get_application_builder() as builder:
    builder.sm.add_role("Nobody")
    for name, role in (argument.split("=") for argument in sys.argv[2:]):
        assert builder.sm.add_user(name, name, "Test", name + "@localhost", builder.sm.find_role(role), sys.argv[1])
"""


@dataclass(frozen=True)
class AirflowServer:
    """A running Airflow."""

    address: str

    def api(self, user: str) -> httpx.Client:
        """A client of the REST API that is logged in."""
        login = {"username": user, "password": PASSWORD}
        answer = httpx.post(f"{self.address}/auth/token", json=login, timeout=30, trust_env=False)
        bearer = {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}
        return httpx.Client(base_url=self.address, headers=bearer, timeout=30, trust_env=False)


@contextmanager
def airflow_server(
    settings: Settings, database: str, folder: Path, port: int, users: dict[str, str], dags: dict[str, str]
) -> Iterator[AirflowServer]:
    """Start Airflow in a database of its own; stop all of it at the end.

    Args:
        settings: of the lake that the page and the tasks read.
        database: address of an empty database.
        folder: Airflow's home.
        port: on which it listens.
        users: roles by user.
        dags: DAG files by name.
    """
    server = AirflowServer(f"http://127.0.0.1:{port}")
    (folder / "dags").mkdir(parents=True)
    for name, text in dags.items():
        (folder / "dags" / name).write_text(text)
    environment = {
        **settings.environment(),
        "PYTHONPATH": str(PROJECT_ROOT / "plugins"),
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{server.address}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.replace("postgresql:", "postgresql+psycopg2:"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": database.replace("postgresql:", "postgresql+asyncpg:"),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": server.address,
        "AIRFLOW__API__SECRET_KEY": SECRET,
        "AIRFLOW__API_AUTH__JWT_SECRET": SECRET,
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "DO_NOT_TRACK": "1",
    }
    airflow = Path(sys.executable).with_name("airflow")
    listed = [f"{name}={role}" for name, role in users.items()]
    for command in ([airflow, "db", "migrate"], [sys.executable, "-c", MAKE_USERS, PASSWORD, *listed]):
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for component in COMPONENTS:
            with (folder / f"{component[0]}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        [airflow, *component],
                        env=environment,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
        _wait_until_healthy(server, processes, folder)
        yield server
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


def _wait_until_healthy(server: AirflowServer, processes: list[subprocess.Popen[bytes]], folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        for process, component in zip(processes, COMPONENTS, strict=True):
            assert process.poll() is None, (folder / f"{component[0]}.log").read_text()[-4000:]
        try:
            parts = httpx.get(f"{server.address}/api/v2/monitor/health", timeout=5, trust_env=False).json()
            if all(parts[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, (folder / "api-server.log").read_text()[-4000:]
        time.sleep(0.2)
