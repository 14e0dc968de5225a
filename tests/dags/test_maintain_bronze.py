"""The DAG that looks after bronze."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, CronTriggerTimetable
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.exceptions import AirflowFailException
from clinic import price_source
from pharmacy import Pharmacy

from wardlake.bronze.compact import FEWEST
from wardlake.lake import Lake
from wardlake.settings import Settings

FILE = "maintain_bronze.py"
Parse = Callable[[str], DagBag]


@pytest.fixture
def dag(parse: Parse) -> DAG:
    """The DAG of the repository's sources."""
    bag = parse(FILE)
    assert bag.import_errors == {}
    return bag.dags["maintain_bronze"]


@pytest.fixture
def tended(
    parse: Parse, settings: Settings, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pharmacy: Pharmacy
) -> DAG:
    """The DAG of a pharmacy that has delivered a week ago."""
    pharmacy.deliver(*range(FEWEST))
    sources = tmp_path / "project" / "dags" / "sources"
    sources.mkdir(parents=True)
    described = pharmacy.source.model_dump(mode="json")
    (sources / "pharmacy.yaml").write_text(yaml.safe_dump(described, sort_keys=False))
    for name, value in settings.environment().items():
        if name.startswith("WARDLAKE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("WARDLAKE_PROJECT_ROOT", str(tmp_path / "project"))
    now = Lake.now
    monkeypatch.setattr(Lake, "now", lambda self, bucket: now(self, bucket) + timedelta(days=8))
    bag = parse(FILE)
    assert bag.import_errors == {}
    return bag.dags["maintain_bronze"]


@pytest.fixture
def pharmacy(settings: Settings, lake: Lake) -> Pharmacy:
    """A pharmacy with a lake of its own."""
    return Pharmacy(settings, lake, price_source())


def call(dag: DAG, task_id: str, **arguments: object) -> Any:
    task: Any = dag.get_task(task_id)
    return task.python_callable(**arguments)


def test_it_runs_once_a_week_and_neither_piles_up_nor_lasts_for_ever(dag: DAG) -> None:
    assert dag.schedule == CronTriggerTimetable("0 3 * * 0", timezone="UTC")
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert dag.dagrun_timeout is not None


def test_it_says_who_owns_it_and_what_it_does_step_by_step(dag: DAG) -> None:
    assert dag.owner == "data team"
    assert {"wardlake", "bronze", "maintenance"} <= set(dag.tags)
    assert dag.description
    assert (dag.doc_md or "").startswith("\n# Look after bronze")
    assert "1. **compact**" in (dag.doc_md or "")
    assert "2. **clean**" in (dag.doc_md or "")


def test_each_task_is_mapped_over_the_sources_and_runs_once_at_a_time(dag: DAG) -> None:
    assert {task.task_id for task in dag.tasks} == {"compact", "clean"}
    for task in dag.tasks:
        assert isinstance(task, MappedOperator)
        assert task.op_kwargs_expand_input.value == {"source": ["mimic3", "reference", "reference_pharmacy"]}
        found = task.partial_kwargs
        assert "source" in (found["map_index_template"] or "")
        assert found["doc_md"]
        assert found["max_active_tis_per_dag"] == 1
        assert found["retries"] == 2
        assert found["retry_exponential_backoff"]
        assert timedelta() < found["execution_timeout"] < (dag.dagrun_timeout or timedelta())
        assert found["on_failure_callback"]


def test_a_source_that_fails_does_not_stop_the_others(dag: DAG) -> None:
    assert all(not task.upstream_task_ids and not task.downstream_task_ids for task in dag.tasks)


def test_only_active_sources_are_tended(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLAKE_SOURCES", "mimic3")
    compact = parse(FILE).dags["maintain_bronze"].get_task("compact")
    assert isinstance(compact, MappedOperator)
    assert compact.op_kwargs_expand_input.value == {"source": ["mimic3"]}


def test_a_broken_yaml_is_an_import_error_that_names_it(parse: Parse, sources_dir: Path) -> None:
    (sources_dir / "clinic.yaml").write_text("name: [")
    assert "clinic.yaml" in next(iter(parse(FILE).import_errors.values()))


def test_results_are_counts_and_bytes(tended: DAG, pharmacy: Pharmacy) -> None:
    delivered = pharmacy.batches()
    before = pharmacy.rows()
    size = sum(one.bytes for one in delivered)
    compacted = call(tended, "compact", source="pharmacy")
    assert compacted == {
        "source": "pharmacy",
        "compactions": 1,
        "batches": FEWEST,
        "rows": 3 * FEWEST,
        "bytes_before": size,
        "bytes_after": compacted["bytes_after"],
    }
    assert 0 < compacted["bytes_after"] < size
    assert call(tended, "clean", source="pharmacy") == {
        "source": "pharmacy",
        "objects": FEWEST,
        "bytes": size,
        "reasons": {"pharmacy.price: files of batches that were compacted": FEWEST},
    }
    assert pharmacy.rows() == before
    assert call(tended, "compact", source="pharmacy")["compactions"] == 0
    assert call(tended, "clean", source="pharmacy")["objects"] == 0


def test_a_permanent_fault_is_not_tried_again(tended: DAG, pharmacy: Pharmacy) -> None:
    first, second, *_ = pharmacy.batches()
    bucket = pharmacy.settings.bucket("bronze")
    pharmacy.lake.client.copy_object(
        Bucket=bucket, Key=first.files[0].key, CopySource={"Bucket": bucket, "Key": second.files[0].key}
    )
    with pytest.raises(AirflowFailException, match=rf"pharmacy\.price.*{first.batch_id}.*wardlake bronze verify"):
        call(tended, "compact", source="pharmacy")
