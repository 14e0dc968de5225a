"""What becomes of a task that has failed: a line in its log, and word to the people whom the settings name."""

import logging

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException

from wardlake.alerts import alert_failure
from wardlake.settings import SettingsError, load_settings
from wardlake_airflow.faults import RefusedFailure

log = logging.getLogger("wardlake.alert")


def alert(context: Context) -> None:
    """Tell of DAG, task, table, run and the message; of what was refused also each rule, its counts and the report."""
    instance, error = context["ti"], context.get("exception")
    place = f"{instance.dag_id}.{instance.task_id}"
    if table := getattr(instance, "rendered_map_index", None):
        place += f"[{table}]"
    place += f", run {instance.run_id}"
    if not isinstance(error, AirflowException | str | None):  # its text may hold values
        error = f"{type(error).__name__}; the log of the task has more."
    try:
        settings = load_settings()
    except SettingsError:  # the task says so itself
        log.error("WARDLAKE FAILED %s: %s", place, error)
        return
    alert_failure(settings, place, error, error.refused if isinstance(error, RefusedFailure) else None)
