"""Ports on the loopback interface: the usual ones if they are free, kept so that addresses stay the same."""

import json
import socket
from pathlib import Path

PREFERRED = {"airflow": 8080, "s3": 9000}
LOOPBACK = "127.0.0.1"


def choose_ports(home: Path) -> dict[str, int]:
    """A free port for each server: the one of last time, or the preferred one, or any. Call it while they are down."""
    path = home / "ports.json"
    kept = saved_ports(home)
    chosen: dict[str, int] = {}
    for name, preferred in PREFERRED.items():
        wanted = [kept.get(name, preferred), preferred]
        chosen[name] = next((port for port in wanted if is_free(port)), 0) or any_free_port()
    path.write_text(json.dumps(chosen))
    return chosen


def saved_ports(home: Path) -> dict[str, int]:
    """The ports that were chosen last; empty before the first start."""
    path = home / "ports.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def is_free(port: int) -> bool:
    """Whether nobody listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def any_free_port() -> int:
    """A port that the system picks."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port
