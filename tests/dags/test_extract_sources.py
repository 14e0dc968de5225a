"""The DAGs that the source YAMLs make."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, CronTriggerTimetable
from airflow.sdk.definitions.mappedoperator import MappedOperator

FILE = "extract_sources.py"
NAMES = {"extract_reference", "extract_reference_pharmacy", "extract_mimic3"}

Parse = Callable[[str], DagBag]


@pytest.fixture
def dags(parse: Parse) -> dict[str, DAG]:
    """The DAGs of the repository's three YAMLs."""
    bag = parse(FILE)
    assert bag.import_errors == {}
    return bag.dags


def test_there_is_one_dag_for_each_yaml(dags: dict[str, DAG]) -> None:
    assert set(dags) == NAMES


def test_more_yamls_make_more_dags(parse: Parse, add_source: Callable[..., None]) -> None:
    add_source("clinic")
    add_source("laboratory")
    bag = parse(FILE)
    assert bag.import_errors == {}
    assert set(bag.dags) == NAMES | {"extract_clinic", "extract_laboratory"}


def test_only_active_sources_have_a_dag(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLAKE_SOURCES", "mimic3")
    assert set(parse(FILE).dags) == {"extract_mimic3"}


def test_a_task_parses_the_yaml_of_its_own_source_only(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "extract_mimic3")
    assert set(parse(FILE).dags) == {"extract_mimic3"}


@pytest.mark.parametrize("broken", ["name: [", "name: clinic\ntables: {}\n"], ids=["not YAML", "breaks the contract"])
def test_a_broken_yaml_leaves_the_other_sources_alone(parse: Parse, sources_dir: Path, broken: str) -> None:
    (sources_dir / "clinic.yaml").write_text(broken)
    bag = parse(FILE)
    assert bag.import_errors == {}
    assert set(bag.dags) == NAMES


def test_a_wrong_setting_is_an_import_error_that_names_it(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLAKE_THREADS", "many")
    bag = parse(FILE)
    assert not bag.dags
    assert "WARDLAKE_THREADS" in next(iter(bag.import_errors.values()))


def test_each_dag_says_who_owns_it_and_what_it_does(dags: dict[str, DAG]) -> None:
    assert {name: dag.owner for name, dag in dags.items()} == {
        "extract_reference": "hospital data team",
        "extract_reference_pharmacy": "hospital pharmacy",
        "extract_mimic3": "research data team",
    }
    for name, dag in dags.items():
        assert {"wardlake", "bronze"} < set(dag.tags)
        assert dag.description
        assert (dag.doc_md or "").startswith("\n# Extract a hospital system into bronze")
        assert name.removeprefix("extract_") in (dag.doc_md or "")


def test_runs_neither_pile_up_nor_last_for_ever(dags: dict[str, DAG]) -> None:
    for dag in dags.values():
        assert dag.catchup is False
        assert dag.max_active_runs == 1
        assert dag.dagrun_timeout is not None
        assert dag.schedule == CronTriggerTimetable("@daily", timezone="UTC")


def test_a_source_without_a_schedule_waits_for_a_person(parse: Parse, add_source: Callable[..., None]) -> None:
    add_source("clinic", schedule=None)
    assert parse(FILE).dags["extract_clinic"].schedule is None


def test_every_task_is_documented_limited_and_tried_again(dags: dict[str, DAG]) -> None:
    for name, dag in dags.items():
        together = [] if name == "extract_reference_pharmacy" else ["read_together"]
        assert [task.task_id for task in dag.topological_sort()] == [*together, "extract", "validate"]
        for task in dag.tasks:
            found = task.partial_kwargs if isinstance(task, MappedOperator) else vars(task)
            assert found["doc_md"]
            assert found.get("pool", "default_pool") == "default_pool", "a new source has no other"
            assert found["max_active_tis_per_dag"] == 1
            assert found["retries"] == 3
            assert found["retry_exponential_backoff"]
            assert timedelta() < found["execution_timeout"] < (dag.dagrun_timeout or timedelta())
            assert found["on_failure_callback"]


def test_a_source_that_allows_it_is_read_by_several_tasks_at_once(
    parse: Parse, add_source: Callable[..., None]
) -> None:
    add_source("clinic", concurrent=True)
    extract = parse(FILE).dags["extract_clinic"].get_task("extract")
    assert isinstance(extract, MappedOperator)
    assert extract.max_active_tis_per_dag is None


def test_there_is_one_extraction_for_each_table_named_after_it(dags: dict[str, DAG]) -> None:
    extract = dags["extract_reference_pharmacy"].get_task("extract")
    assert isinstance(extract, MappedOperator)
    assert extract.op_kwargs_expand_input.value == {"table": ["price_list", "dispensing"]}
    assert "table" in (extract.partial_kwargs["map_index_template"] or "")


def test_only_a_judged_source_updates_its_asset(dags: dict[str, DAG]) -> None:
    for name, dag in dags.items():
        outlets = {task.task_id: [asset.uri for asset in getattr(task, "outlets", [])] for task in dag.tasks}
        outlets.pop("read_together", None)
        assert outlets == {"extract": [], "validate": [f"wardlake://bronze/{name.removeprefix('extract_')}"]}


def test_the_window_can_be_chosen_and_is_not_by_default(dags: dict[str, DAG]) -> None:
    for dag in dags.values():
        assert dag.params.dump() == {"window_start": None, "window_end": None, "backfill": False}
        dag.params["window_start"] = "2026-01-01T00:00:00+00:00"
        dag.params.validate()
