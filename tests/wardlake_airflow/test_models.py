"""How the task of a dbt model ends."""

import asyncio
from collections.abc import Callable
from unittest.mock import Mock

import pytest
from airflow.sdk import TaskInstanceState
from airflow.triggers.base import TaskFailedEvent, TaskSuccessEvent, TriggerEvent

from wardlake_airflow import models
from wardlake_airflow.models import Builds, ModelTrigger, Told

MODEL = "model.wardlake.beds"
Answer = Callable[..., None]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Stands for Airflow: `state` of the build task, `statuses` that it has told; counts how often it was asked."""
    airflow = Mock(state="running", statuses={}, times=0)

    def states(dag_id: str, task_ids: list[str], run_ids: list[str]) -> dict[str, dict[str, object]]:
        assert (dag_id, task_ids, run_ids) == ("build_gold", ["build_models"], ["run 1"])
        airflow.times += 1
        return {"run 1": {"build_models": airflow.state}}

    monkeypatch.setattr(models.RuntimeTaskInstance, "get_task_states", states)
    monkeypatch.setattr(models.XCom, "get_one", lambda **_: airflow.statuses)
    monkeypatch.setattr(models, "builds", Builds())
    return airflow


async def _end(model: str = MODEL) -> TriggerEvent:
    trigger = ModelTrigger(model, "build_models")
    trigger.task_instance = Mock(dag_id="build_gold", run_id="run 1", task=None)
    events = [event async for event in trigger.run()]
    assert len(events) == 1
    return events[0]


def test_a_model_that_dbt_built_succeeds_while_the_build_goes_on(asked: Mock) -> None:
    asked.statuses = {MODEL: "success"}
    assert isinstance(asyncio.run(_end()), TaskSuccessEvent)


def test_a_model_that_did_not_have_to_be_built_succeeds(asked: Mock) -> None:
    asked.statuses = {MODEL: models.UNCHANGED}
    assert isinstance(asyncio.run(_end()), TaskSuccessEvent)


@pytest.mark.parametrize("status", ["error", "skipped", "fail"])
def test_a_model_that_failed_or_was_skipped_fails(asked: Mock, status: str) -> None:
    asked.statuses = {MODEL: status}
    assert isinstance(asyncio.run(_end()), TaskFailedEvent)


@pytest.mark.parametrize("state", ["success", "failed", "upstream_failed", TaskInstanceState.FAILED])
def test_a_model_that_an_ended_build_did_not_tell_of_fails(asked: Mock, state: str) -> None:
    asked.state = state
    assert isinstance(asyncio.run(_end()), TaskFailedEvent)


def test_a_model_waits_for_its_own_end(asked: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "POLL_S", 0.001)

    async def others_first() -> TriggerEvent:
        asked.statuses = {"model.wardlake.wards": "success"}
        waiting = asyncio.create_task(_end())
        while asked.times < 3 and not waiting.done():
            await asyncio.sleep(0.001)
        assert not waiting.done()
        asked.statuses = {MODEL: "success"}
        return await asyncio.wait_for(waiting, 5)

    assert isinstance(asyncio.run(others_first()), TaskSuccessEvent)


@pytest.mark.parametrize("state", [None, "scheduled", "queued", "up_for_retry", "restarting"])
def test_what_a_former_attempt_told_does_not_count(asked: Mock, state: str | None) -> None:
    asked.state, asked.statuses = state, {MODEL: "success"}
    assert asyncio.run(models.builds.told("build_gold", "run 1", "build_models")) == Told({}, has_ended=False)


def test_many_models_ask_once(asked: Mock) -> None:
    asked.statuses = {f"model.{number}": "success" for number in range(50)}

    async def all_of_them() -> list[TriggerEvent]:
        return await asyncio.gather(*(_end(model) for model in asked.statuses))

    assert len(asyncio.run(all_of_them())) == 50
    assert asked.times == 1


def test_the_triggerer_can_make_the_trigger_again() -> None:
    path, arguments = ModelTrigger(MODEL, "build_models").serialize()
    assert path == "wardlake_airflow.models.ModelTrigger"
    assert ModelTrigger(**arguments).serialize() == (path, arguments)
