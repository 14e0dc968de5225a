"""Servers of the readers: a MariaDB server for a session, a web server and a PostgreSQL address for a test."""

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from mariadb_server import PASSWORD, Database, MariaDb
from web import Web, web_server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDb]:
    """A MariaDB server with a binary log."""
    # a short path: a socket's name has a limit of about 100 characters
    with tempfile.TemporaryDirectory(prefix="wardlake-mariadb-") as folder:
        server = MariaDb(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def mariadb(mariadb_server: MariaDb) -> Iterator[Database]:
    """A database of this test's own."""
    suffix = uuid.uuid4().hex[:12]
    database = Database(mariadb_server, f"test_{suffix}", f"reader_{suffix}")
    with mariadb_server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {database.name}")
        cursor.execute(f"CREATE USER {database.user}@'127.0.0.1' IDENTIFIED BY %s", [PASSWORD])
        cursor.execute(f"GRANT SELECT ON {database.name}.* TO {database.user}@'127.0.0.1'")
    yield database
    with mariadb_server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {database.name}")
        cursor.execute(f"DROP USER {database.user}@'127.0.0.1'")


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server that answers as the test says."""
    with web_server() as running:
        yield running


@pytest.fixture
def postgres(database: str) -> str:
    """SQLAlchemy address of the test's PostgreSQL database."""
    return database.replace("postgresql://", "postgresql+psycopg://")
