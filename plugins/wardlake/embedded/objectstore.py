"""The S3 server of the laptop: MiniStack, which keeps objects on disk and honours conditional writes.

It emulates AWS and is not meant for real patient data; production uses AWS S3 or another real store.
"""

import sys
from pathlib import Path

from wardlake.embedded.credentials import credential
from wardlake.embedded.ports import LOOPBACK, is_free
from wardlake.embedded.processes import Program, log_path, wait_until

ACCESS_KEY_ID = "wardlake"
START_TIMEOUT_S = 60


def program(home: Path, port: int) -> Program:
    """The server, on the loopback interface, with signatures checked."""
    folder = home / "s3"
    return Program(
        name="s3",
        command=[str(Path(sys.executable).with_name("ministack"))],
        priority=2,
        environment={
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(port),
            "AUTH": "true",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(folder / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(folder / "data"),
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": "WARNING",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": credential(home, "s3"),
        },
    )


def wardlake_variables(home: Path, port: int) -> dict[str, str]:
    """The settings by which Wardlake finds the server."""
    return {
        "WARDLAKE_S3_ENDPOINT_URL": f"http://{LOOPBACK}:{port}",
        "WARDLAKE_S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "WARDLAKE_S3_SECRET_ACCESS_KEY": credential(home, "s3"),
    }


def wait(home: Path, port: int) -> None:
    """Wait until the server listens."""
    wait_until(lambda: not is_free(port), START_TIMEOUT_S, "The S3 server", log_path(home, "s3"))
