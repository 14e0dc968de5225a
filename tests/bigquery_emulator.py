"""BigQuery's emulator: the real client and the real protocol, the SQL in DuckDB."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from tests.conftest import START_TIMEOUT_S, free_port, listens

from wardlake.warehouse.connection import extension_file


@contextmanager
def bigquery_emulator(home: Path) -> Iterator[str]:
    """Address of an empty emulator, as the connection of the warehouse takes it."""
    # it would fetch this extension from the internet, and looks for it in the home of its user
    with duckdb.connect(config={"extension_directory": str(home / ".duckdb" / "extensions")}) as connection:
        connection.execute(f"INSTALL '{extension_file('spatial')}'")
    port = free_port()
    command = [str(Path(sys.executable).with_name("bqemulator")), "start", "--project", "lake"]
    command += ["--rest-port", str(port), "--grpc-port", str(free_port())]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, "HOME": str(home)}, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not listens(port):
            assert process.poll() is None, (home / "log").read_text()
            assert time.monotonic() < deadline, "the emulator did not start"
            time.sleep(0.05)
        yield f"bigquery://lake?endpoint=http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
