"""The tasks of a small clinic's DAG, run with a real database and a real S3 server."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, BaseHook, Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException
from airflow.sdk.execution_time.context import set_current_context
from clinic import create_wards, ward_source

from wardlake.lake import Lake
from wardlake.quality import Verdict
from wardlake.settings import Settings
from wardlake.sources import Source

Parse = Callable[[str], DagBag]


class Run:
    """A run of the clinic's DAG: calls its tasks in the context that Airflow would give them."""

    def __init__(self, dag: DAG) -> None:
        self.dag = dag
        self.events: defaultdict[Any, SimpleNamespace] = defaultdict(SimpleNamespace)
        self.context: dict[str, Any] = {
            "params": {"window_start": None, "window_end": None, "backfill": False},
            "run_id": "manual__1",
            "logical_date": datetime(2026, 1, 2, tzinfo=UTC),
            "dag_run": SimpleNamespace(
                dag_id="extract_clinic", run_id="manual__1", run_after=datetime(2026, 1, 2, tzinfo=UTC)
            ),
            "outlet_events": self.events,
        }

    def call(self, task_id: str, **arguments: object) -> Any:
        task = self.dag.get_task(task_id)
        function = task.python_callable if hasattr(task, "python_callable") else task.partial_kwargs["python_callable"]
        with set_current_context(self.context):
            return function(**arguments)


@pytest.fixture
def no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow has no connection of any name."""

    def missing(conn_id: str) -> Connection:
        raise AirflowNotFoundException(f"The conn_id `{conn_id}` isn't defined")

    monkeypatch.setattr(BaseHook, "get_connection", missing)


@pytest.fixture
def clinic(
    parse: Parse,
    settings: Settings,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_connections: None,
) -> Run:
    """A run of the clinic's DAG, for the day that ends on 2026-01-02."""
    create_wards(database)
    sources = tmp_path / "project" / "dags" / "sources"
    sources.mkdir(parents=True)
    (sources / "clinic.yaml").write_text(yaml.safe_dump(ward_source().model_dump(mode="json"), sort_keys=False))
    for name, value in settings.environment().items():
        if name.startswith("WARDLAKE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("WARDLAKE_PROJECT_ROOT", str(tmp_path / "project"))
    monkeypatch.setenv("WARDLAKE_CONN_CLINIC_DB", database)
    bag = parse("extract_sources.py")
    assert bag.import_errors == {}
    return Run(bag.dags["extract_clinic"])


def test_results_and_asset_metadata_are_counts_and_ids_only(clinic: Run) -> None:
    batch = clinic.call("extract", table="ward")
    assert batch == {
        "table": "ward",
        "batch_id": batch["batch_id"],
        "rows": 3,
        "bytes": batch["bytes"],
        "is_new": True,
        "arrived": True,
        "schema_changes": [],
        "refused_files": 0,
        "reconciled": "row count and checksum agree with the source",
    }
    assert batch["batch_id"].startswith("20260101T000000Z-")
    assert batch["bytes"] > 0

    assert clinic.call("validate", extracted=[batch]) == {"passed": 1}
    (asset,) = clinic.events
    assert asset.uri == "wardlake://bronze/clinic"
    assert clinic.events[asset].extra == {
        "rows": 3,
        "bytes": batch["bytes"],
        "batch_ids": [batch["batch_id"]],
        "schema_changes": {},
        "verdicts": {"passed": 1},
        "quarantined_rows": 0,
    }


def test_a_retry_finds_the_batch_of_the_first_attempt(clinic: Run) -> None:
    first = clinic.call("extract", table="ward")
    assert clinic.call("extract", table="ward") == first | {"is_new": False}


def test_the_windows_params_choose_the_batch(clinic: Run) -> None:
    clinic.context["params"] |= {"window_start": "2025-06-01T00:00:00Z", "window_end": "2025-07-01T00:00:00Z"}
    assert clinic.call("extract", table="ward")["batch_id"].startswith("20250601T000000Z-")


def test_airflows_connection_wins_over_the_settings(
    clinic: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDLAKE_CONN_CLINIC_DB", "postgresql://nobody@127.0.0.1:1/nothing")
    asked: list[str] = []

    def connection(conn_id: str) -> SimpleNamespace:
        asked.append(conn_id)
        return SimpleNamespace(get_uri=lambda: database)

    monkeypatch.setattr(BaseHook, "get_connection", connection)
    assert clinic.call("extract", table="ward")["rows"] == 3
    assert asked == ["clinic_db"]


def test_an_unreachable_source_may_be_tried_again(clinic: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLAKE_CONN_CLINIC_DB", "postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(AirflowException, match="clinic") as caught:
        clinic.call("extract", table="ward")
    assert not isinstance(caught.value, AirflowFailException)


def test_a_missing_table_is_not_tried_again_and_commits_nothing(
    clinic: Run, database: str, settings: Settings, lake: Lake
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("drop table adt.ward")
    with pytest.raises(AirflowFailException, match=r"adt\.ward"):
        clinic.call("extract", table="ward")
    assert lake.list(settings.bucket("bronze"), "bronze/") == []


def test_a_halted_batch_fails_the_run_and_updates_no_asset(clinic: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    module = clinic.dag.get_task("validate").python_callable.__globals__
    judge = module["judge_source"]

    def halt_all(settings: Settings, source: Source, **asked: str) -> list[Verdict]:
        return [verdict.model_copy(update={"status": "halted"}) for verdict in judge(settings, source, **asked)]

    monkeypatch.setitem(module, "judge_source", halt_all)
    batch = clinic.call("extract", table="ward")
    with pytest.raises(AirflowFailException, match=r"clinic\.ward, batch 20260101T000000Z-.*: halted"):
        clinic.call("validate", extracted=[batch])
    assert not clinic.events
