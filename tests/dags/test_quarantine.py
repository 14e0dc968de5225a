"""The DAG that decides on rows in quarantine."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, ParamValidationError
from clinic import price_source
from pharmacy import Pharmacy

from wardlake.lake import Lake
from wardlake.ledger import open_ledger
from wardlake.quality import judge_source
from wardlake.settings import Settings, load_settings

FILE = "quarantine.py"
RULE = "pharmacy.price.no_price"
Parse = Callable[[str], DagBag]


@pytest.fixture
def dag(parse: Parse) -> DAG:
    """The DAG as the repository has it."""
    bag = parse(FILE)
    assert bag.import_errors == {}
    return bag.dags["quarantine"]


@pytest.fixture
def pharmacy(parse: Parse, settings: Settings, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pharmacy:
    """A pharmacy whose price list was judged; one row of it is in quarantine."""
    project = tmp_path / "project"
    (project / "dags" / "sources").mkdir(parents=True)
    described = price_source().model_dump(mode="json")
    (project / "dags" / "sources" / "pharmacy.yaml").write_text(yaml.safe_dump(described, sort_keys=False))
    write_suite(project, "Price = '1'")
    for name, value in settings.environment().items():
        if name.startswith("WARDLAKE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("WARDLAKE_PROJECT_ROOT", str(project))
    pharmacy = Pharmacy(load_settings(), lake, price_source())
    pharmacy.deliver(0)
    judge_source(pharmacy.settings, pharmacy.source)
    return pharmacy


def write_suite(project: Path, wrong: str) -> None:
    path = project / "expectations" / "pharmacy" / "price.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = {
        "rule_id": RULE,
        "dimension": "plausibility",
        "severity": "critical",
        "action": "quarantine",
        "why": "Nobody can be billed by it.",
        "threshold_pct": 0,
        "threshold_why": "Each row would be billed.",
        "owner": "pharmacy",
    }
    query = f"SELECT _row_id FROM {{batch}} WHERE {wrong}"
    rule = {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": query}, "meta": meta}
    path.write_text(json.dumps({"name": "pharmacy.price", "expectations": [rule], "meta": {}}))


@pytest.fixture
def decide(dag: DAG, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the task with these params, triggered by somebody."""

    def run(by: str | None = "nurse", **params: object) -> Any:
        task: Any = dag.get_task("decide")
        run_ = SimpleNamespace(dag_id="quarantine", run_id="manual", triggering_user_name=by)
        context = {"params": {"rule": None, "reason": "The owner says so.", **params}, "dag_run": run_}
        monkeypatch.setitem(task.python_callable.__globals__, "get_current_context", lambda: context)
        return task.python_callable()

    return run


def decisions(settings: Settings) -> list[tuple[Any, ...]]:
    with open_ledger(settings) as ledger:
        return ledger.execute("SELECT action, rule_id, rows, decided_by FROM quality.decisions").fetchall()


def test_it_is_started_by_hand_and_says_what_it_does_and_who_owns_it(dag: DAG) -> None:
    assert dag.schedule is None
    assert (dag.owner, dag.max_active_runs, dag.catchup) == ("data team", 1, False)
    assert {"wardlake", "quality", "quarantine"} <= set(dag.tags)
    assert (dag.doc_md or "").startswith("\n# Decide on rows in quarantine")
    (task,) = dag.tasks
    assert task.doc_md
    assert task.retries == 2
    assert task.on_failure_callback
    assert timedelta() < (task.execution_timeout or timedelta()) < (dag.dagrun_timeout or timedelta())


def test_rows_cannot_be_shown_and_nothing_is_done_without_a_reason(dag: DAG) -> None:
    given = {"table": "pharmacy.price", "batch": "2026", "reason": "The owner says so."}
    for name, value in given.items():
        dag.params[name] = value
    dag.params.validate()
    for name, wrong in {"action": "show", "reason": "", "table": "pharmacy", "batch": ""}.items():
        with pytest.raises(ParamValidationError):
            dag.params[name] = wrong


def test_rows_are_accepted_in_the_name_of_who_has_triggered_it(pharmacy: Pharmacy, decide: Callable[..., Any]) -> None:
    (batch,) = pharmacy.batches()
    done = decide(table="pharmacy.price", batch=batch.batch_id, action="accept", rule=RULE)
    assert done == {"accepted_rows": 1}
    assert decisions(pharmacy.settings) == [("accept", RULE, 1, "nurse")]


def test_a_batch_is_judged_again(pharmacy: Pharmacy, decide: Callable[..., Any]) -> None:
    (batch,) = pharmacy.batches()
    write_suite(pharmacy.settings.project_root, "Price = '9'")
    assert decide(table="pharmacy.price", batch=batch.batch_id[:8], action="replay") == {
        "batch_id": batch.batch_id,
        "verdict": "passed",
        "quarantined_rows": 0,
        "quarantined_rows_before": 1,
    }
    assert decisions(pharmacy.settings) == [("replay", None, 1, "nurse")]


def test_a_run_that_nobody_has_triggered_decides_nothing(pharmacy: Pharmacy, decide: Callable[..., Any]) -> None:
    (batch,) = pharmacy.batches()
    with pytest.raises(AirflowFailException, match="needs a name and a reason"):
        decide(by=None, table="pharmacy.price", batch=batch.batch_id, action="accept", rule=RULE)
    assert decisions(pharmacy.settings) == []
