"""What a DAG run is called, and which window it extracts."""

from collections.abc import Mapping
from datetime import UTC, datetime

from airflow.sdk import Context
from croniter import croniter

from wardlake.errors import PermanentError
from wardlake.window import Window


def name_of_run(context: Context) -> str:
    """Name of a task's DAG run, as it stands in the quality ledger."""
    run = context["dag_run"]
    return f"{run.dag_id}/{run.run_id}"


def window_of_run(
    params: Mapping[str, object], schedule: str | None, logical_date: datetime | None, run_after: datetime
) -> Window:
    """The window that the run's params name; else from the schedule's former time up to the run's logical date.

    Windows of consecutive scheduled runs touch each other without gap or overlap. A run without a logical date, or of
    a DAG without a schedule, takes the UTC day.

    Raises:
        PermanentError: only one end is given, or the window is empty or runs backwards.
    """
    given = [params.get(name) for name in ("window_start", "window_end")]
    if all(given):
        return Window.parse("/".join(str(end) for end in given))
    if any(given):
        raise PermanentError(
            "Only one of window_start and window_end is given.",
            remedy="Give both, or neither for the run's own window.",
        )
    if schedule is None or logical_date is None:
        return Window.of_day((logical_date or run_after).astimezone(UTC).date())
    end = logical_date.astimezone(UTC)
    return Window(croniter(schedule, end).get_prev(datetime), end)
