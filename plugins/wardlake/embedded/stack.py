"""Start and stop the whole stack of one machine."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from wardlake.embedded import airflow_components, objectstore, postgres, processes
from wardlake.embedded.credentials import credential, write_private
from wardlake.embedded.ports import PREFERRED, choose_ports, saved_ports
from wardlake.embedded.rest import Airflow
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings, load_settings
from wardlake.sources import active_sources
from wardlake.warehouse import dbt

DATABASE_OF_CONNECTION = {"reference_db": "hospital", "mimic3_db": "mimic3"}
WAREHOUSE_POOL = "warehouse"

Say = Callable[[str], None]
"""Called with one line about what is going on."""


@dataclass(frozen=True)
class Stack:
    """A running stack; DAGs that were parsed before `dags_changed_at` are not the ones of its settings."""

    settings: Settings
    airflow: Airflow
    dags_changed_at: datetime


def up(say: Say, sources: tuple[str, ...] = (), meanwhile: Callable[[Settings], None] = lambda _: None) -> Stack:
    """Start what is not running and wait until all of it is healthy.

    Args:
        say: told about each step.
        sources: made active in addition to the ones that are active already.
        meanwhile: called with the settings once the servers run, while Airflow is starting.

    Raises:
        PermanentError: a server did not start; the message names its log.
    """
    before = load_settings()
    was_running = processes.is_running(before.home)
    dags_changed_at = datetime.min.replace(tzinfo=UTC)
    say("Starting PostgreSQL and the S3 server")
    ports = start_servers(before, say)
    settings = save_settings(before, ports, sources)
    lake = Lake(settings)
    lake.ensure_buckets()
    lake.probe()
    say("Starting Airflow")
    with ThreadPoolExecutor(2) as pool:
        parsed = pool.submit(dbt.parse, settings)
        started = pool.submit(airflow_components.start, settings, ports["airflow"], parsed.result)
        meanwhile(settings)
        running = started.result()
    if was_running and settings.sources != before.sources:
        dags_changed_at = datetime.now(UTC)
        processes.restart_program(settings.home, f"{airflow_components.GROUP}:dag-processor")
    _register(settings, running)
    return Stack(settings, running, dags_changed_at)


def down(home: Path) -> bool:
    """Stop every process of this home, PostgreSQL last; True if there was something to stop."""
    was_running = processes.is_running(home)
    processes.stop_supervisor(home)
    postgres.stop_leftover(home)
    return was_running


def clean(home: Path) -> None:
    """Stop everything, then delete the state.

    Raises:
        PermanentError: the folder is not one that Wardlake alone uses.
    """
    if not (home / "ports.json").exists() or Path.home().is_relative_to(home) or Path.cwd().is_relative_to(home):
        raise PermanentError(
            f"{home} is not a folder that 'wardlake up' has filled, or holds more than that.",
            remedy="Set WARDLAKE_HOME to the folder whose state is to be forgotten.",
        )
    down(home)
    shutil.rmtree(processes.runtime_dir(home))
    shutil.rmtree(home)


def start_servers(settings: Settings, say: Say) -> dict[str, int]:
    """Start PostgreSQL and the S3 server; returns the port of each server, Airflow's too."""
    home = settings.home
    home.mkdir(parents=True, exist_ok=True, mode=0o711)
    if processes.is_running(home):
        ports = saved_ports(home)
    else:
        processes.stop_leftovers(home)
        postgres.stop_leftover(home)
        ports = choose_ports(home)
        for name, port in ports.items():
            if port != PREFERRED[name]:
                say(f"Port {PREFERRED[name]} is taken; {name} uses {port} instead")
    postgres.prepare(home)
    programs = [postgres.program(home), objectstore.program(home, ports["s3"]), *airflow_components.programs()]
    processes.start_supervisor(home, programs, airflow_components.environment(settings, ports["airflow"]))
    for name in ("postgres", "s3"):
        processes.start_program(home, name)
    postgres.wait(home)
    objectstore.wait(home, ports["s3"])
    return ports


def save_settings(before: Settings, ports: dict[str, int], sources: tuple[str, ...]) -> Settings:
    """Write `<home>/env`, from which every process of this home, the user's too, reads its settings."""
    home = before.home
    variables = {
        **objectstore.wardlake_variables(home, ports["s3"]),
        "WARDLAKE_PSEUDONYM_KEY": credential(home, "pseudonym-key"),
        "WARDLAKE_GOLD_POSTGRES_URI": postgres.uri(home, "gold"),
        "WARDLAKE_SOURCES": ",".join(sorted({*before.sources, *sources})),
        **{
            f"WARDLAKE_CONN_{conn_id.upper()}": postgres.reader_uri(home, database)
            for conn_id, database in DATABASE_OF_CONNECTION.items()
        },
    }
    write_private(home / "env", "".join(f"{name}={value}\n" for name, value in variables.items()))
    settings = load_settings()
    active = {source.name for source in active_sources(settings)}
    if missing := sorted({*sources} - active):
        raise PermanentError(
            f"The sources {', '.join(missing)} are not active: WARDLAKE_SOURCES in your environment leaves them out.",
            remedy="Unset WARDLAKE_SOURCES, or add them to it.",
        )
    return settings


def _register(settings: Settings, running: Airflow) -> None:
    """Give Airflow the connections and the pool that it lacks; what a user has changed there stays."""
    if running.find(f"/pools/{WAREHOUSE_POOL}") is None:
        running.create("/pools", {"name": WAREHOUSE_POOL, "slots": 1, "include_deferred": False})
    for conn_id, database in DATABASE_OF_CONNECTION.items():
        if running.find(f"/connections/{conn_id}") is None:
            address = urlsplit(postgres.reader_uri(settings.home, database))
            running.create(
                "/connections",
                {
                    "connection_id": conn_id,
                    "conn_type": "postgres",
                    "host": unquote(address.netloc.rpartition("@")[2]),
                    "login": address.username,
                    "password": address.password,
                    "schema": database,
                },
            )
