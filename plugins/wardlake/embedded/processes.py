"""Programs under supervisord: restarted when they die, stopped with all their children.

Airflow's tasks lead process groups of their own, out of supervisord's reach. Every program therefore starts in one
folder that nothing else works in, and whoever is left there after a stop is stopped too.
"""

import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport

from wardlake.embedded.credentials import write_private
from wardlake.errors import PermanentError

SOCKET_PATH_LIMIT = 103  # bytes; the shortest limit of sun_path, without the final zero
LONGEST_SOCKET_NAME = "pg/.s.PGSQL.5432"
POLL_S = 0.1
STOP_TIMEOUT_S = 90
LEFTOVER_GRACE_S = 5


@dataclass(frozen=True)
class Program:
    """A server; programs with a lower priority start earlier and stop later."""

    name: str
    command: list[str]
    priority: int
    group: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    starts_at_once: bool = True
    restarts: bool = True
    stop_signal: str = "TERM"
    stop_wait_s: int = 10


def runtime_dir(home: Path) -> Path:
    """Folder of the Unix sockets: `<home>/run`, or a short one where that path is too long for a socket."""
    folder = home / "run"
    if len(os.fsencode(folder / LONGEST_SOCKET_NAME)) > SOCKET_PATH_LIMIT:
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"wardlake-{digest}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    if folder.stat().st_uid != os.geteuid():
        raise PermanentError(
            f"{folder} belongs to another user.", remedy="Set WARDLAKE_HOME to a folder of your own, with a short path."
        )
    return folder


def work_dir(home: Path) -> Path:
    """Folder that every program starts in."""
    folder = home / "run" / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def start_supervisor(home: Path, programs: list[Program], environment: dict[str, str]) -> None:
    """Start supervisord with the programs; does nothing if it runs already.

    Raises:
        PermanentError: supervisord did not start.
    """
    if is_running(home):
        return
    stop_leftovers(home)
    (home / "logs").mkdir(parents=True, exist_ok=True)
    config = runtime_dir(home) / "supervisord.conf"
    write_private(config, _config(home, programs, environment))
    started = subprocess.run(
        [str(Path(sys.executable).with_name("supervisord")), "-c", str(config)],
        cwd=work_dir(home),
        capture_output=True,
        text=True,
        check=False,
    )
    if started.returncode != 0:
        raise PermanentError(
            f"The process supervisor did not start: {started.stderr.strip() or started.stdout.strip()}.",
            remedy=f"See {home / 'logs' / 'supervisord.log'}.",
        )
    wait_until(lambda: is_running(home), 10, "The process supervisor", home / "logs" / "supervisord.log")


def is_running(home: Path) -> bool:
    """Whether supervisord answers."""
    try:
        _supervisor(home).getState()
    except OSError:
        return False
    return True


def start_program(home: Path, name: str) -> None:
    """Start a program that is not running."""
    try:
        _supervisor(home).startProcess(name, False)
    except Fault as fault:
        if "ALREADY_STARTED" not in fault.faultString:
            raise PermanentError(
                f"{name} could not be started ({fault.faultString}).", remedy=f"See {log_path(home, name)}."
            ) from None


def restart_program(home: Path, name: str) -> None:
    """Stop a program and start it again."""
    _supervisor(home).stopProcess(name, True)
    start_program(home, name)


def run_to_end(home: Path, name: str, timeout_s: float) -> None:
    """Run a program that ends by itself.

    Raises:
        PermanentError: it failed, or took too long.
    """
    start_program(home, name)
    wait_until(lambda: state(home, name)["statename"] == "EXITED", timeout_s, name, log_path(home, name))
    if state(home, name)["exitstatus"] != 0:
        raise PermanentError(f"{name} failed.", remedy=f"See {log_path(home, name)}.")


def state(home: Path, name: str) -> dict[str, Any]:
    """What supervisord knows about a program: `statename`, `pid`, `exitstatus` and more."""
    return dict(_supervisor(home).getProcessInfo(name))


def supervisor_pid(home: Path) -> int:
    """Process id of supervisord."""
    return int(_supervisor(home).getPID())


def log_path(home: Path, name: str) -> Path:
    """Where the output of a program goes."""
    return home / "logs" / f"{name.partition(':')[2] or name}.log"


def stop_supervisor(home: Path) -> None:
    """Stop all programs, the ones with the highest priority first, and whatever they left behind."""
    if is_running(home):
        process = psutil.Process(supervisor_pid(home))
        _supervisor(home).shutdown()
        process.wait(STOP_TIMEOUT_S)
    stop_leftovers(home)


def stop_leftovers(home: Path) -> None:
    """Stop processes of this home that no supervisor knows any more."""
    left = list(leftovers(home))
    for process in left:
        _quietly(process.terminate)
    _, stubborn = psutil.wait_procs(left, timeout=LEFTOVER_GRACE_S)
    for process in stubborn:
        _quietly(process.kill)
    psutil.wait_procs(stubborn, timeout=LEFTOVER_GRACE_S)


def leftovers(home: Path) -> Iterator[psutil.Process]:
    """Processes that work in the folder of the programs."""
    folder = work_dir(home).resolve()
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder and process.terminal() is None:
                yield process
        except psutil.Error:
            continue


def wait_until(is_ready: Callable[[], bool], timeout_s: float, what: str, log: Path) -> None:
    """Wait for a condition.

    Raises:
        PermanentError: it did not come true in time; names the log to read.
    """
    deadline = monotonic() + timeout_s
    while not is_ready():
        if monotonic() > deadline:
            raise PermanentError(f"{what} was not ready after {timeout_s:.0f} seconds.", remedy=f"See {log}.")
        sleep(POLL_S)


def _supervisor(home: Path) -> Any:
    transport = SupervisorTransport(None, None, f"unix://{runtime_dir(home) / 'supervisor.sock'}")
    return ServerProxy("http://supervisor", transport=transport).supervisor


def _config(home: Path, programs: list[Program], environment: dict[str, str]) -> str:
    runtime = runtime_dir(home)
    sections: dict[str, dict[str, object]] = {
        "supervisord": {
            "logfile": home / "logs" / "supervisord.log",
            "pidfile": runtime / "supervisord.pid",
            "directory": work_dir(home),
            "umask": "077",
            "environment": _variables(environment),
            **({"user": "root"} if os.geteuid() == 0 else {}),
        },
        "unix_http_server": {"file": runtime / "supervisor.sock", "chmod": "0700"},
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
        **{f"program:{program.name}": _program(home, program) for program in programs},
    }
    for group in {program.group: program for program in programs if program.group}.values():
        members = ",".join(program.name for program in programs if program.group == group.group)
        sections[f"group:{group.group}"] = {"programs": members, "priority": group.priority}
    return "\n".join(
        f"[{section}]\n" + "".join(f"{key} = {_escaped(value)}\n" for key, value in values.items())
        for section, values in sections.items()
    )


def _program(home: Path, program: Program) -> dict[str, object]:
    return {
        "command": shlex.join(program.command),
        "priority": program.priority,
        "autostart": program.starts_at_once,
        "autorestart": program.restarts,
        "startsecs": 1 if program.restarts else 0,
        "startretries": 20,
        "stopsignal": program.stop_signal,
        "stopwaitsecs": program.stop_wait_s,
        "stopasgroup": program.stop_signal == "TERM",
        "killasgroup": True,
        "redirect_stderr": True,
        "stdout_logfile": log_path(home, program.name),
        "stdout_logfile_backups": 1,
        "environment": _variables(program.environment),
        **({"user": program.user} if program.user else {}),
    }


def _variables(values: dict[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in values.items())


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")


def _quietly(action: Callable[[], None]) -> None:
    try:
        action()
    except psutil.NoSuchProcess:
        return
