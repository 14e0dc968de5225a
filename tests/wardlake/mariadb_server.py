"""A real MariaDB server for the tests, and databases on it that one user may read."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pymysql
from tests.conftest import START_TIMEOUT_S, free_port

PASSWORD = "p@ss/w:rd%\"'\\ ü"
"""Everything that an address has to encode, and that a DuckDB secret has to quote."""


class MariaDb:
    """A MariaDB server that can be stopped and started again; `root` logs in through its socket."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.socket = folder / "socket"
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run(
            [
                *("mariadb-install-db", "--no-defaults", *_own_user(), f"--datadir={folder / 'data'}"),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ],
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = self.folder / "log"
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [
                    *(_program("mariadbd"), "--no-defaults", *_own_user(), f"--datadir={self.folder / 'data'}"),
                    *(f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1"),
                    *("--skip-name-resolve", "--log-bin", "--server-id=1", "--character-set-server=utf8mb4"),
                    *("--innodb-flush-log-at-trx-commit=0", "--performance-schema=off"),
                ],
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the MariaDB server did not start"
            try:
                self.connect().close()
            except pymysql.OperationalError:
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_TIMEOUT_S)

    def connect(self, database: str | None = None) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """A connection of root, which commits each statement."""
        return pymysql.connect(
            unix_socket=str(self.socket), user="root", database=database, charset="utf8mb4", autocommit=True
        )


@dataclass(frozen=True)
class Database:
    """A database of one test, with a user that may read it and nothing else."""

    server: MariaDb
    name: str
    user: str
    password: str = PASSWORD

    @property
    def uri(self) -> str:
        """Its address, as Airflow writes it."""
        return f"mysql://{self.user}:{quote(self.password, safe='')}@127.0.0.1:{self.server.port}/{self.name}"

    def changed(self, **changes: str) -> str:
        """Its address with another name, user or password."""
        return replace(self, **changes).uri

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as root; the rows of the last one."""
        with self.server.connect(self.name) as connection, connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00', sql_mode = ''")
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())


def _program(name: str) -> str:
    return shutil.which(name) or f"/usr/sbin/{name}"


def _own_user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []
