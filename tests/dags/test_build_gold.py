"""The DAG that builds and publishes gold."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from unittest.mock import Mock

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, AssetAll
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import set_current_context
from airflow.serialization.serialized_objects import OperatorSerialization

FILE = "build_gold.py"
STEPS = ["expose_bronze", "build_models", "gate", "report", "publish"]

Parse = Callable[[str], DagBag]


@pytest.fixture
def dag(parse: Parse) -> DAG:
    """The DAG of the repository's sources and models."""
    bag = parse(FILE)
    assert bag.import_errors == {}
    return bag.dags["build_gold"]


@pytest.fixture(scope="session")
def manifest(home: Path) -> dict[str, dict[str, object]]:
    """Models of dbt's manifest by unique id."""
    nodes = json.loads((home / "dbt" / "target" / "manifest.json").read_text())["nodes"]
    return {name: node for name, node in nodes.items() if node["resource_type"] == "model"}


def _uris(dag: DAG) -> set[str]:
    assert isinstance(dag.schedule, AssetAll)
    return {asset.uri for asset in dag.schedule.objects}


def test_it_runs_when_all_sources_have_brought_data(dag: DAG) -> None:
    assert _uris(dag) == {
        "wardlake://bronze/mimic3",
        "wardlake://bronze/reference",
        "wardlake://bronze/reference_pharmacy",
    }


def test_a_source_that_does_not_trigger_builds_is_not_waited_for(parse: Parse, add_source: Callable[..., None]) -> None:
    add_source("clinic", triggers_build=False)
    assert "wardlake://bronze/clinic" not in _uris(parse(FILE).dags["build_gold"])


def test_there_is_one_task_for_each_model(dag: DAG, manifest: dict[str, dict[str, object]]) -> None:
    assert {task.task_id for task in dag.tasks} == {*STEPS, *(f"models.{node['name']}" for node in manifest.values())}
    assert len(manifest) > 30


def test_models_follow_their_references(dag: DAG, manifest: dict[str, dict[str, object]]) -> None:
    for node in manifest.values():
        parents = {f"models.{manifest[parent]['name']}" for parent in node["depends_on"]["nodes"] if parent in manifest}
        assert dag.get_task(f"models.{node['name']}").upstream_task_ids == (parents or {"expose_bronze"})


def test_staging_of_inactive_sources_is_left_out(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLAKE_SOURCES", "reference,reference_pharmacy")
    dag = parse(FILE).dags["build_gold"]
    shown = {task.task_id for task in dag.tasks}
    assert "models.stg_reference__wards" in shown
    assert not [task for task in shown if "mimic3" in task]
    assert "wardlake://bronze/mimic3" not in _uris(dag)


def test_each_step_waits_for_the_one_before(dag: DAG) -> None:
    for earlier, later in pairwise(STEPS):
        assert earlier in dag.get_task(later).upstream_task_ids
    assert all(task.trigger_rule == "all_success" for task in dag.tasks)


def test_an_auditor_is_asked_if_a_source_requires_it(parse: Parse, add_source: Callable[..., None]) -> None:
    assert not {"ask_auditor", "sign"} & set(parse(FILE).dags["build_gold"].task_ids)
    add_source("clinic", signoff="required")
    dag = parse(FILE).dags["build_gold"]
    for earlier, later in pairwise(["report", "ask_auditor", "sign", "publish"]):
        assert earlier in dag.get_task(later).upstream_task_ids
    asked = dag.get_task("ask_auditor")
    assert asked.execution_timeout is None
    assert asked.response_timeout < dag.dagrun_timeout
    assert asked.retries == 0


def test_each_validating_task_links_to_its_report(parse: Parse, add_source: Callable[..., None]) -> None:
    add_source("clinic", signoff="required")
    linked = {
        task.task_id
        for dag in (parse(FILE).dags["build_gold"], parse("extract_sources.py").dags["extract_clinic"])
        for task in dag.tasks
        if "_operator_extra_links" in OperatorSerialization.serialize_operator(task)
    }
    assert linked == {"gate", "report", "ask_auditor", "validate"}


def test_whatever_touches_the_warehouse_takes_turns(dag: DAG) -> None:
    assert {task.task_id for task in dag.tasks if task.pool == "warehouse"} == set(STEPS) - {"report"}


def test_models_never_occupy_a_worker(dag: DAG) -> None:
    models = [task for task in dag.tasks if task.task_id.startswith("models.")]
    assert models
    assert all(task.start_from_trigger and task.start_trigger_args for task in models)


def test_publishing_updates_the_asset_of_each_gold_table(dag: DAG, manifest: dict[str, dict[str, object]]) -> None:
    tables = {node["alias"] for node in manifest.values() if node["schema"] == "gold"}
    assert "daily_census" in tables
    outlets = {task.task_id: {asset.uri for asset in task.outlets} for task in dag.tasks if task.outlets}
    assert outlets == {"publish": {f"wardlake://gold/{table}" for table in tables}}


def test_it_is_documented_owned_and_limited(dag: DAG) -> None:
    assert dag.owner == "data team"
    assert {"wardlake", "gold"} < set(dag.tags)
    assert (dag.doc_md or "").startswith("\n# Build silver and gold, and publish gold")
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert dag.dagrun_timeout is not None
    for task in dag.tasks:
        assert task.doc_md, task.task_id
        assert task.execution_timeout is not None
        assert timedelta() < task.execution_timeout < dag.dagrun_timeout


def test_a_broken_yaml_is_named_with_its_problem(parse: Parse, sources_dir: Path) -> None:
    (sources_dir / "clinic.yaml").write_text((sources_dir / "reference_pharmacy.yaml").read_text() + "color: blue\n")
    bag = parse(FILE)
    assert not bag.dags
    told = next(iter(bag.import_errors.values()))
    assert "clinic.yaml: color: Extra inputs are not permitted" in told


def test_without_a_manifest_the_dag_is_there_and_its_build_says_what_to_run(
    parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDLAKE_HOME", str(tmp_path))
    bag = parse(FILE)
    assert bag.import_errors == {}
    dag = bag.dags["build_gold"]
    assert [task.task_id for task in dag.topological_sort()] == STEPS
    with (
        set_current_context({"ti": Mock(), "params": {"full_refresh": False}}),
        pytest.raises(AirflowFailException, match=r"no dbt manifest.*'wardlake init'"),
    ):
        dag.get_task("build_models").python_callable()
