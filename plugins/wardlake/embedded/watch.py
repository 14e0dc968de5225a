"""Trigger DAGs in a running Airflow, follow their tasks, and say what failed."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from wardlake.console import Show
from wardlake.embedded.rest import Airflow
from wardlake.errors import PermanentError

POLL_S = 1.5
PARSE_TIMEOUT_S = 180
RUN_TIMEOUT_S = 3600
CONSUMER_TIMEOUT_S = 60
ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")


@dataclass(frozen=True)
class Run:
    """One run of a DAG."""

    dag_id: str
    run_id: str

    @property
    def path(self) -> str:
        return f"/dags/{self.dag_id}/dagRuns/{self.run_id}"


def wait_for_dags(airflow: Airflow, dag_ids: list[str], changed_at: datetime) -> None:
    """Wait until the DAG processor has parsed the DAGs since they were changed, and let them run.

    Raises:
        PermanentError: a DAG file has an error, or a DAG did not appear.
    """
    deadline = time.monotonic() + PARSE_TIMEOUT_S
    while missing := [dag_id for dag_id in dag_ids if not _is_parsed(airflow.find(f"/dags/{dag_id}"), changed_at)]:
        broken = airflow.get("/importErrors")["import_errors"]
        if broken or time.monotonic() > deadline:
            told = "; ".join(
                f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in broken
            )
            raise PermanentError(
                f"Airflow does not have the DAGs {', '.join(missing)}. {told}",
                remedy="See dag-processor.log in WARDLAKE_HOME/logs.",
            )
        time.sleep(POLL_S)
    for dag_id in dag_ids:
        airflow.change(f"/dags/{dag_id}", {"is_paused": False})


def trigger(airflow: Airflow, dag_id: str, conf: dict[str, object]) -> Run:
    """Start a run of a DAG."""
    return Run(dag_id, airflow.create(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"])


def wait_for_runs(airflow: Airflow, runs: list[Run], show: Show, log_dir: Path) -> dict[str, float]:
    """Follow runs until all of them have succeeded; returns the seconds of each DAG.

    Raises:
        PermanentError: a run failed; names its first failed task, the error and the log.
    """
    told: set[tuple[str, str]] = set()
    deadline = time.monotonic() + RUN_TIMEOUT_S
    while True:
        states = {run: airflow.get(run.path) for run in runs}
        for run in runs:
            _show_tasks(airflow, run, told, show)
        if failed := [run for run, state in states.items() if state["state"] == "failed"]:
            raise _explained(airflow, failed[0], log_dir)
        if all(state["state"] == "success" for state in states.values()):
            return {run.dag_id: states[run]["duration"] or 0.0 for run in runs}
        if time.monotonic() > deadline:
            waiting = ", ".join(f"{run.dag_id} ({state['state']})" for run, state in states.items())
            raise PermanentError(
                f"These runs did not end within {RUN_TIMEOUT_S} seconds: {waiting}.", remedy="Look at the Airflow UI."
            )
        time.sleep(POLL_S)


def consumers(airflow: Airflow, producers: list[Run], consumer: str) -> list[Run]:
    """The runs of a DAG that the assets of these runs have set off.

    An asset whose other half was updated by an earlier run, which failed, can be left without a consumer. The DAG is
    then triggered like any other.
    """
    deadline = time.monotonic() + CONSUMER_TIMEOUT_S
    while True:
        found = {run: _consumers_of(airflow, run, consumer) for run in producers}
        runs = list(dict.fromkeys(run for runs in found.values() for run in runs))
        if all(found.values()):
            return runs
        if time.monotonic() > deadline:
            return [*runs, trigger(airflow, consumer, {})]
        time.sleep(POLL_S)


def _is_parsed(dag: dict[str, Any] | None, changed_at: datetime) -> bool:
    return bool(
        dag
        and not dag["is_stale"]
        and dag["last_parsed_time"]
        and datetime.fromisoformat(dag["last_parsed_time"]) > changed_at
    )


def _consumers_of(airflow: Airflow, producer: Run, consumer: str) -> list[Run]:
    events = airflow.get("/assets/events", source_dag_id=producer.dag_id, source_run_id=producer.run_id, limit=100)
    return [
        Run(created["dag_id"], created["run_id"])
        for event in events["asset_events"]
        for created in event["created_dagruns"]
        if created["dag_id"] == consumer
    ]


def _tasks(airflow: Airflow, run: Run) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = []
    while True:
        page = airflow.get(f"{run.path}/taskInstances", limit=100, offset=len(tasks))
        tasks += page["task_instances"]
        if len(tasks) >= page["total_entries"] or not page["task_instances"]:
            return tasks


def _show_tasks(airflow: Airflow, run: Run, told: set[tuple[str, str]], show: Show) -> None:
    tasks = _tasks(airflow, run)
    ended = [task for task in tasks if task["state"] in ENDED]
    for task in sorted(ended, key=lambda task: task["end_date"] or ""):
        if (run.run_id, task["id"]) not in told:
            told.add((run.run_id, task["id"]))
            outcome = "" if task["state"] == "success" else f" {task['state']}"
            done = sum(1 for run_id, _ in told if run_id == run.run_id)
            show(run.dag_id, f"{_name(task)}{outcome}", done, len(tasks))


def _explained(airflow: Airflow, run: Run, log_dir: Path) -> PermanentError:
    failed = [task for task in _tasks(airflow, run) if task["state"] == "failed"]
    if not failed:
        return PermanentError(f"{run.dag_id} failed without a failed task.", remedy=f"Look at run {run.run_id}.")
    first = min(failed, key=lambda task: task["end_date"] or "")
    folder = log_dir / f"dag_id={run.dag_id}" / f"run_id={run.run_id}" / f"task_id={first['task_id']}"
    if first["map_index"] >= 0:
        folder /= f"map_index={first['map_index']}"
    log = folder / f"attempt={first['try_number']}.log"
    return PermanentError(
        f"{run.dag_id}, task {_name(first)}: {last_error(log)}", remedy=f"Published gold stays as it was. Log: {log}"
    )


def last_error(log: Path) -> str:
    """The last error that a task's log (JSON lines) holds."""
    found = "it failed and gave no reason."
    for line in log.read_text().splitlines() if log.exists() else []:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("level") in ("error", "critical"):
            causes = event.get("error_detail") or []
            found = causes[-1]["exc_value"] if causes else event["event"]
    return found


def _name(task: dict[str, Any]) -> str:
    mapped = task["rendered_map_index"] or (task["map_index"] if task["map_index"] >= 0 else None)
    return str(task["task_id"]) if mapped is None else f"{task['task_id']}[{mapped}]"
