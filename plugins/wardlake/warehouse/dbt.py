"""dbt as a child process that gets its settings by environment, with progress read from its log."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from wardlake.errors import PassingError, PermanentError
from wardlake.privacy import without_values
from wardlake.settings import Settings
from wardlake.sources import active_sources, load_sources
from wardlake.warehouse.adapter import adapter_of, fetch_built
from wardlake.warehouse.changes import begin, remember
from wardlake.warehouse.connection import connect
from wardlake.warehouse.dbt_failures import SHOWN_ROWS, Row, failures

NODE_ENDED = ("LogModelResult", "LogTestResult", "SkippingDetails")
"""Events of dbt's log that tell how a model or test ended; `NodeFinished` is told at level debug only."""

Progress = Callable[[str, int, int], None]
"""Called with the name of a node that has ended, how many have ended, and how many there are."""

Ended = Callable[[str, str], None]
"""Called with the unique id of a node that has ended, and its status in dbt's words."""


def dbt_vars(settings: Settings) -> dict[str, object]:
    """What the models know: facility, time zone, currency and entities of each source, and the smallest cell.

    A source that is not active is known, so that its staging models can be read, and provides nothing.
    """
    active = {source.name for source in active_sources(settings)}
    return {
        "sources": {
            source.name: {
                "facility_id": source.facility.id,
                "facility_name": source.facility.name,
                "timezone": source.facility.timezone,
                "currency": source.facility.currency,
                "provides": source.provides if source.name in active else [],
            }
            for source in load_sources(settings).values()
        },
        "small_cell": settings.small_cell,
    }


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Environment of a dbt process; it holds secrets."""
    return {
        **settings.environment(),
        "DBT_PROJECT_DIR": str(settings.dbt_dir),
        "DBT_PROFILES_DIR": str(settings.dbt_dir),
        "DBT_TARGET_PATH": str(settings.dbt_target_dir),
        "DBT_LOG_PATH": str(settings.log_dir),
        "DBT_LOG_LEVEL_FILE": "none",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        "DO_NOT_TRACK": "1",
        "WARDLAKE_WAREHOUSE_PATH": str(settings.warehouse_path),
        "WARDLAKE_TEMP_DIR": str(settings.temp_dir),
        **(adapter.dbt_environment(settings) if (adapter := adapter_of(settings)) else {}),
    }


def inactive_staging(settings: Settings) -> list[str]:
    """Selectors of the staging folders whose source is not active."""
    active = {source.name for source in active_sources(settings)}
    return [f"path:models/staging/{name}" for name in load_sources(settings) if name not in active]


def parse(settings: Settings) -> Path:
    """Write dbt's manifest, from which the DAG of the models is made; returns its path."""
    _run(settings, ["parse"])
    return settings.dbt_target_dir / "manifest.json"


def write_docs(settings: Settings) -> Path:
    """Write dbt's own documentation, with the lineage of the models, as one HTML file; returns its path."""
    excluded = inactive_staging(settings)
    _run(settings, ["docs", "generate", "--static", *(["--exclude", *excluded] if excluded else [])])
    return settings.dbt_target_dir / "static_index.html"


def build(
    settings: Settings,
    progress: Progress | None = None,
    ended: Ended | None = None,
    *,
    full_refresh: bool = False,
    with_tests: bool = True,
) -> None:
    """Build what comes after the bronze tables that changed since the last build, or all if that is not known.

    The tests of what is built are run too, unless they are not wanted. Models and tests of sources that are not active
    are left out.

    Raises:
        PermanentError: names every model and test that failed.
        PassingError: another process writes the warehouse.
    """
    changes, adapter = begin(settings, dbt_vars(settings)), adapter_of(settings)
    # what another warehouse holds is not ours alone to know
    tables = None if full_refresh or adapter else changes.tables
    if tables != []:
        arguments = ["build", "--exclude-resource-type", "unit_test"] if with_tests else ["run"]
        if tables:
            arguments += ["--select", *(f"source:{table}+" for table in tables)]
        if excluded := inactive_staging(settings):
            arguments += ["--exclude", *excluded]
        _run(settings, arguments, progress, ended)
    if adapter:
        with connect(settings, settings.warehouse_path) as engine:
            fetch_built(settings, engine)
    else:
        remember(settings, changes.now)


def command_line(settings: Settings, arguments: list[str]) -> list[str]:
    """A dbt command with the variables that the models need."""
    return [
        sys.executable,
        "-m",
        "wardlake.warehouse.dbt_process",
        *arguments,
        "--vars",
        json.dumps(dbt_vars(settings)),
    ]


def _run(
    settings: Settings, arguments: list[str], progress: Progress | None = None, ended: Ended | None = None
) -> None:
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    settings.temp_dir.mkdir(parents=True, exist_ok=True)
    (settings.dbt_target_dir / "run_results.json").unlink(missing_ok=True)  # those of a former run explain nothing
    command = command_line(settings, ["--log-format", "json", *arguments])
    errors: list[str] = []
    unstructured: list[str] = []  # from before dbt's log begins, and from Java
    done = 0
    with subprocess.Popen(
        command, env=dbt_environment(settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101  it was asked for
        for line in process.stdout:
            event = _event(line)
            if event is None:
                unstructured.append(line.strip())
                continue
            data, info = event.get("data", {}), event.get("info", {})
            node = data.get("node_info", {})
            if info.get("name") in NODE_ENDED and isinstance(node, dict):
                done += 1
                if progress:
                    progress(str(node["node_name"]), done, int(str(data.get("total") or data.get("num_models") or 0)))
                if ended:
                    ended(str(node["unique_id"]), str(node["node_status"]))
            if info.get("level") == "error":
                errors.append(str(info.get("msg", "")).strip())
    if process.returncode == 0:
        return
    told = without_values(" ".join(dict.fromkeys(error for error in errors or unstructured if error)))
    if "Could not set lock" in told:
        raise PassingError(
            "The warehouse is being written by another process.", remedy="Wait until that run has ended."
        )
    listed = "".join(f"\n- {one}" for one in failures(settings.dbt_target_dir, partial(_found_rows, settings)))
    raise PermanentError(
        f"dbt {arguments[0]} failed: {listed or told or 'it gave no reason'}.",
        remedy="Published gold stays as it was. Mend the data or the model, then run again.",
    )


def _found_rows(settings: Settings, test: str) -> list[Row]:
    """The first rows that a test finds; none if dbt cannot say."""
    shown = ["--log-format", "json", "show", "--select", test, "--limit", str(SHOWN_ROWS), "--output", "json"]
    done = subprocess.run(
        command_line(settings, shown), env=dbt_environment(settings), capture_output=True, text=True, check=False
    )
    events = filter(None, map(_event, done.stdout.splitlines()))
    previews = [event["data"]["preview"] for event in events if event.get("info", {}).get("name") == "ShowNode"]
    return [row for preview in previews for row in json.loads(str(preview))]


def _event(line: str) -> dict[str, dict[str, object]] | None:
    """An event of dbt's log; None if the line is no event."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
