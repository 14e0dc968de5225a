"""The dbt models as tasks: Cosmos makes the graph from dbt's manifest, one dbt process builds all of them.

A model's task waits in the triggerer until that process has told how the model ended, and ends in the same way. It
never occupies a worker: starting one for each model would take longer than building all of them.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, Context, TaskGroup
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.sdk.execution_time.xcom import XCom
from airflow.triggers.base import BaseTrigger, StartTriggerArgs, TaskFailedEvent, TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import DbtResourceType, ExecutionMode, LoadMode, TestBehavior
from cosmos.dbt.graph import DbtNode

from wardlake.errors import PermanentError
from wardlake.settings import Settings
from wardlake.warehouse import dbt

STATUSES = "statuses"
"""Key of the XCom in which the build task tells how each model ended."""
UNCHANGED = "unchanged"
"""Status of a model that was not built again, because nothing that it follows from has changed."""
POLL_S = 5.0  # models that ended meanwhile end together: for each end alone, Airflow would parse the DAG file again
ENDED = ("success", "failed", "upstream_failed", "skipped", "removed")


def manifest_path(settings: Settings) -> Path:
    """Where `wardlake up` and `wardlake init` write dbt's manifest."""
    return settings.dbt_target_dir / "manifest.json"


@dataclass(frozen=True)
class Model:
    """A dbt model as dbt's manifest has it."""

    table: str
    schema: str
    description: str


def read_models(settings: Settings) -> dict[str, Model]:
    """All models of the dbt project by their unique id.

    Raises:
        PermanentError: dbt's manifest was not written yet.
    """
    path = manifest_path(settings)
    if not path.exists():
        raise PermanentError(
            f"There is no dbt manifest at {path}, so that Airflow does not know the models.",
            remedy="Run 'wardlake init'; the DAG has its models a minute later.",
        )
    nodes = json.loads(path.read_text())["nodes"]
    return {
        name: Model(node["alias"], node["schema"], node["description"])
        for name, node in nodes.items()
        if node["resource_type"] == "model"
    }


def model_tasks(settings: Settings, models: dict[str, Model], build_task_id: str) -> TaskGroup:
    """A task for each model of the active sources, in the order of their references."""

    def to_task(dag: Any, task_group: TaskGroup, node: DbtNode, **_: object) -> ModelTask:
        return ModelTask(
            task_id=node.name,
            dag=dag,
            task_group=task_group,
            model=node.unique_id,
            build_task_id=build_task_id,
            doc_md=models[node.unique_id].description,
            on_failure_callback=None,  # the build task tells why
        )

    return DbtTaskGroup(
        group_id="models",
        project_config=ProjectConfig(
            dbt_project_path=settings.dbt_dir, manifest_path=manifest_path(settings), project_name="wardlake"
        ),
        profile_config=ProfileConfig(
            profile_name="wardlake",
            target_name=settings.warehouse,
            profiles_yml_filepath=settings.dbt_dir / "profiles.yml",
        ),
        execution_config=ExecutionConfig(execution_mode=ExecutionMode.LOCAL),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            select=["resource_type:model"],
            exclude=dbt.inactive_staging(settings),
            test_behavior=TestBehavior.NONE,
            emit_datasets=False,
            node_converters={DbtResourceType.MODEL: to_task},
        ),
    )


class ModelTask(BaseOperator):
    """Shows one dbt model: ends as the model ended in the build task. Clear the build task to build again."""

    start_from_trigger = True
    ui_color = "#e8f1ea"

    def __init__(self, *, model: str, build_task_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs, retries=0)
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=f"{ModelTrigger.__module__}.{ModelTrigger.__name__}",
            trigger_kwargs={"model": model, "build_task_id": build_task_id},
            next_method="execute",
        )

    def execute(self, context: Context) -> None:
        """Never called: the trigger begins and ends the task."""


@dataclass(frozen=True)
class Told:
    """What the build task has told so far: how each model ended, and whether more will come."""

    statuses: dict[str, str]
    has_ended: bool


class Builds:
    """What build tasks have told; asked for once in a while for all waiting models together."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._known: dict[str, tuple[str, float, Told]] = {}

    async def told(self, dag_id: str, run_id: str, task_id: str) -> Told:
        """What the build task of a run has told, not older than POLL_S."""
        async with self._lock:
            known_run, asked_at, told = self._known.get(dag_id, ("", 0.0, Told({}, has_ended=False)))
            if known_run != run_id or time.monotonic() - asked_at > POLL_S:
                told = await sync_to_async(self._ask)(dag_id, run_id, task_id)
                self._known[dag_id] = (run_id, time.monotonic(), told)
            return told

    @staticmethod
    def _ask(dag_id: str, run_id: str, task_id: str) -> Told:
        states = RuntimeTaskInstance.get_task_states(dag_id=dag_id, task_ids=[task_id], run_ids=[run_id])
        state = states.get(run_id, {}).get(task_id)
        if state != "running" and state not in ENDED:  # statuses of an attempt before this one may still be there
            return Told({}, has_ended=False)
        statuses = XCom.get_one(key=STATUSES, dag_id=dag_id, task_id=task_id, run_id=run_id)
        return Told(statuses or {}, has_ended=state in ENDED)


builds = Builds()


class ModelTrigger(BaseTrigger):
    """Waits until the build task has told how a model ended."""

    def __init__(self, model: str, build_task_id: str) -> None:
        super().__init__()
        self.model = model
        self.build_task_id = build_task_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments from which the triggerer makes this trigger."""
        kwargs = {"model": self.model, "build_task_id": self.build_task_id}
        return f"{type(self).__module__}.{type(self).__name__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the end of the task."""
        instance = self.task_instance
        while True:
            told = await builds.told(instance.dag_id, instance.run_id, self.build_task_id)
            status = told.statuses.get(self.model)
            if status or told.has_ended:
                break
            await asyncio.sleep(POLL_S)
        if status == UNCHANGED:
            self.log.info("Nothing that %s follows from has changed since it was built.", self.model)
            yield TaskSuccessEvent()
        elif status == "success":
            self.log.info("dbt built %s.", self.model)
            yield TaskSuccessEvent()
        else:
            self.log.error(
                "dbt: %s %s. The log of %s says why.", self.model, status or "was not built", self.build_task_id
            )
            yield TaskFailedEvent()
