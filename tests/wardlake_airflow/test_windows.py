"""The window that a DAG run extracts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from wardlake.errors import PermanentError
from wardlake.window import Window
from wardlake_airflow.windows import window_of_run

NEITHER = {"window_start": None, "window_end": None}
SCHEDULES = st.sampled_from(["@hourly", "@daily", "@weekly", "@monthly", "0 6 * * 1-5", "*/15 * * * *", "30 2 29 2 *"])
MOMENTS = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(SCHEDULES, MOMENTS)
def test_windows_of_scheduled_runs_follow_each_other_without_gap_or_overlap(schedule: str, moment: datetime) -> None:
    times = croniter(schedule, moment)
    first, second = times.get_next(datetime), times.get_next(datetime)
    earlier = window_of_run(NEITHER, schedule, first, run_after=moment)
    later = window_of_run(NEITHER, schedule, second, run_after=moment)
    assert earlier.end == later.start
    assert later.end == second


@given(SCHEDULES, MOMENTS)
def test_a_manual_run_takes_what_came_since_the_last_scheduled_one(schedule: str, moment: datetime) -> None:
    window = window_of_run(NEITHER, schedule, moment, run_after=moment)
    assert window.end == moment
    assert croniter(schedule, window.start).get_next(datetime) >= moment


@given(SCHEDULES | st.none(), MOMENTS)
def test_a_run_without_a_logical_date_takes_the_utc_day(schedule: str | None, moment: datetime) -> None:
    window = window_of_run(NEITHER, schedule, None, run_after=moment.astimezone(timezone(timedelta(hours=9))))
    assert window.start <= moment < window.end
    assert window == Window.of_day(moment.date())


@given(MOMENTS, st.timedeltas(timedelta(seconds=1), timedelta(days=400)))
def test_params_win_and_keep_their_offset(start: datetime, length: timedelta) -> None:
    tokyo = timezone(timedelta(hours=9))
    params = {"window_start": start.astimezone(tokyo).isoformat(), "window_end": (start + length).isoformat()}
    assert window_of_run(params, "@daily", start, run_after=start) == Window(start, start + length)


def test_a_moment_without_an_offset_is_utc() -> None:
    params = {"window_start": "2026-01-01T00:00:00", "window_end": "2026-01-02T00:00:00"}
    window = window_of_run(params, None, None, run_after=datetime(2026, 5, 1, tzinfo=UTC))
    assert window == Window.parse("2026-01-01/2026-01-02")


@pytest.mark.parametrize("name", ["window_start", "window_end"])
def test_one_end_alone_is_refused(name: str) -> None:
    with pytest.raises(PermanentError, match=r"Only one of window_start and window_end.*Give both"):
        window_of_run(NEITHER | {name: "2026-01-01"}, "@daily", None, run_after=datetime(2026, 5, 1, tzinfo=UTC))


def test_a_window_that_runs_backwards_is_refused() -> None:
    params = {"window_start": "2026-01-02T00:00:00Z", "window_end": "2026-01-01T00:00:00Z"}
    with pytest.raises(PermanentError, match="runs backwards"):
        window_of_run(params, "@daily", None, run_after=datetime(2026, 5, 1, tzinfo=UTC))
