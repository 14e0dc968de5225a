"""A MariaDB server of the benchmark's own, from the programs of Debian's mariadb-server."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

from wardlake.embedded.ports import LOOPBACK
from wardlake.embedded.processes import wait_until

DATABASE, USER, PASSWORD = "hospital", "reader", "only-for-benchmarks"
START_TIMEOUT_S = 60


@contextmanager
def mariadb(folder: Path, port: int) -> Iterator[Path]:
    """A running server with an empty database that `USER` may read; yields the socket by which root logs in."""
    own_user = ["--user=root"] if os.geteuid() == 0 else []
    data, socket, log = folder / "data", folder / "socket", folder / "log"
    subprocess.run(
        [
            *("mariadb-install-db", "--no-defaults", *own_user, f"--datadir={data}"),
            *("--auth-root-authentication-method=normal", "--skip-test-db"),
        ],
        check=True,
        capture_output=True,
    )
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [
                *(shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults", *own_user, f"--datadir={data}"),
                *(f"--socket={socket}", f"--port={port}", f"--bind-address={LOOPBACK}", "--skip-name-resolve"),
                *("--innodb-buffer-pool-size=1G", "--innodb-flush-log-at-trx-commit=0"),
            ],
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: _answers(socket), START_TIMEOUT_S, "MariaDB", log)
        run(
            socket,
            f"CREATE DATABASE {DATABASE}",
            f"CREATE USER {USER}@'{LOOPBACK}' IDENTIFIED BY '{PASSWORD}'",
            f"GRANT SELECT ON {DATABASE}.* TO {USER}@'{LOOPBACK}'",
        )
        yield socket
    finally:
        server.terminate()
        server.wait(START_TIMEOUT_S)


def run(socket: Path, *statements: str) -> None:
    """Run statements as root."""
    with (
        pymysql.connect(unix_socket=str(socket), user="root", database="mysql", autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        for statement in statements:
            cursor.execute(statement)


def _answers(socket: Path) -> bool:
    try:
        pymysql.connect(unix_socket=str(socket), user="root").close()
    except pymysql.OperationalError:
        return False
    return True
