"""Following runs: what failed, where its log is, and what happens when an asset's consumer does not start."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from wardlake.embedded import watch
from wardlake.embedded.demo import Order, demo
from wardlake.embedded.watch import Run, consumers, last_error, wait_for_dags, wait_for_runs
from wardlake.errors import PermanentError

RUN = Run("extract_reference", "manual__1")


class Recorded:
    """An Airflow that gives recorded answers by path, and notes what it is asked to do."""

    def __init__(self, answers: dict[str, dict[str, Any]]) -> None:
        self.answers = answers
        self.done: list[tuple[str, dict[str, object]]] = []

    def get(self, path: str, **_: object) -> dict[str, Any]:
        return self.answers[path]

    def find(self, path: str) -> dict[str, Any] | None:
        return self.answers.get(path)

    def create(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        self.done.append((path, body))
        return {"dag_run_id": "manual__2"}

    def change(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        self.done.append((path, body))
        return {}


def task(name: str, state: str, end: str | None, map_index: int = -1, label: str | None = None) -> dict[str, Any]:
    return {
        "id": f"{name}{map_index}", "task_id": name, "state": state, "end_date": end, "try_number": 2,
        "map_index": map_index, "rendered_map_index": label,
    }  # fmt: skip


def run_of(state: str, tasks: list[dict[str, Any]]) -> Recorded:
    page = {"task_instances": tasks, "total_entries": len(tasks)}
    return Recorded({RUN.path: {"state": state, "duration": 1.5}, f"{RUN.path}/taskInstances": page})


def write_log(folder: Path, events: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True)
    path = folder / "attempt=2.log"
    path.write_text("\n".join(["no json here", *(json.dumps(event) for event in events)]))
    return path


def test_the_first_failed_task_is_told_with_its_error_and_log(tmp_path: Path) -> None:
    failure = {"exc_value": "reference.ward is missing. Create it."}
    log = write_log(
        tmp_path / "dag_id=extract_reference" / "run_id=manual__1" / "task_id=extract" / "map_index=3",
        [{"level": "info", "event": "begins"}, {"level": "error", "event": "failed", "error_detail": [failure]}],
    )
    tasks = [
        task("validate", "failed", "2026-01-01T00:00:09Z"),
        task("extract", "failed", "2026-01-01T00:00:05Z", 3, "ward"),
        task("extract", "success", "2026-01-01T00:00:01Z", 2, "bed"),
    ]
    with pytest.raises(PermanentError) as raised:
        wait_for_runs(run_of("failed", tasks), [RUN], lambda *_: None, tmp_path)
    assert raised.value.what == "extract_reference, task extract[ward]: reference.ward is missing. Create it."
    assert str(log) in raised.value.remedy


def test_progress_tells_each_task_once_and_how_it_ended(tmp_path: Path) -> None:
    shown: list[tuple[str, str, int, int]] = []
    tasks = [
        task("extract", "success", "2026-01-01T00:00:01Z", 0, "ward"),
        task("validate", "skipped", "2026-01-01T00:00:02Z"),
        task("report", "running", None),
    ]
    seconds = wait_for_runs(run_of("success", tasks), [RUN], lambda *told: shown.append(told), tmp_path)
    assert seconds == {"extract_reference": 1.5}
    assert shown == [("extract_reference", "extract[ward]", 1, 3), ("extract_reference", "validate skipped", 2, 3)]


def test_a_log_without_an_error_says_so(tmp_path: Path) -> None:
    assert last_error(tmp_path / "missing.log") == "it failed and gave no reason."
    log = write_log(
        tmp_path / "task", [{"level": "critical", "event": "out of memory"}, {"level": "info", "event": "x"}]
    )
    assert last_error(log) == "out of memory"


def test_a_consumer_that_no_asset_starts_is_triggered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "CONSUMER_TIMEOUT_S", 0)
    created = [{"dag_id": "build_gold", "run_id": "asset__1"}, {"dag_id": "another", "run_id": "asset__2"}]
    followed = Recorded({"/assets/events": {"asset_events": [{"created_dagruns": created}]}})
    assert consumers(followed, [RUN], "build_gold") == [Run("build_gold", "asset__1")]
    assert followed.done == []
    stranded = Recorded({"/assets/events": {"asset_events": [{"created_dagruns": []}]}})
    assert consumers(stranded, [RUN], "build_gold") == [Run("build_gold", "manual__2")]
    assert [path for path, _ in stranded.done] == ["/dags/build_gold/dagRuns"]


def test_a_dag_file_with_an_error_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {"filename": "build_gold.py", "stack_trace": "Traceback\nSourceError: reference.yaml: owner is missing"}
    airflow = Recorded({"/importErrors": {"import_errors": [broken]}})
    with pytest.raises(PermanentError, match=r"build_gold\.py: SourceError: reference\.yaml: owner is missing"):
        wait_for_dags(airflow, ["build_gold"], datetime.now(UTC))


def test_a_dag_counts_once_it_was_parsed_after_the_change() -> None:
    changed_at = datetime(2026, 1, 1, tzinfo=UTC)
    for parsed_at, is_known in {"2025-12-31T23:59:59Z": False, "2026-01-01T00:00:01Z": True}.items():
        dag = {"is_stale": False, "last_parsed_time": parsed_at}
        airflow = Recorded(
            {"/dags/build_gold": dag, "/importErrors": {"import_errors": [{"filename": "f", "stack_trace": "e"}]}}
        )
        if is_known:
            wait_for_dags(airflow, ["build_gold"], changed_at)
            assert airflow.done == [("/dags/build_gold", {"is_paused": False})]
        else:
            with pytest.raises(PermanentError, match="does not have the DAGs build_gold"):
                wait_for_dags(airflow, ["build_gold"], changed_at)


def test_a_demo_that_cannot_end_well_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLAKE_HOME", str(tmp_path))
    with pytest.raises(PermanentError, match="WARDLAKE_REAL_DATA"):
        demo(Order("mimic3", real_data=tmp_path), lambda *_: None)
    (tmp_path / "demo-patients").write_text("500")
    with pytest.raises(PermanentError, match="with 500 patients"):
        demo(Order("reference", patients=501), lambda *_: None)
    assert [path.name for path in tmp_path.iterdir()] == ["demo-patients"]
