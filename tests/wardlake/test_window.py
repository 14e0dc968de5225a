"""Windows are half open, in UTC, and read from text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardlake.bronze.manifest import batch_id_of
from wardlake.errors import PermanentError
from wardlake.window import Window

OFFSETS = st.timezones() | st.just(UTC) | st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=OFFSETS)  # noqa: DTZ001


@given(MOMENTS, st.timedeltas(timedelta(microseconds=1), timedelta(days=3650)))
def test_text_and_window_are_the_same(start: datetime, length: timedelta) -> None:
    window = Window(start.astimezone(UTC), start.astimezone(UTC) + length)
    assert Window.parse(str(window)) == window


@given(MOMENTS, st.integers(-14, 14))
def test_the_offset_in_which_a_window_is_written_does_not_change_its_batch(start: datetime, hours: int) -> None:
    elsewhere = timezone(timedelta(hours=hours))
    here = Window(start.astimezone(UTC), start.astimezone(UTC) + timedelta(days=1))
    there = Window(here.start.astimezone(elsewhere), here.end.astimezone(elsewhere))
    assert batch_id_of("clinic", "ward", here) == batch_id_of("clinic", "ward", there)


@given(MOMENTS, st.timedeltas(timedelta(seconds=1), timedelta(days=400)))
def test_batch_ids_sort_by_time_and_differ(start: datetime, later: timedelta) -> None:
    first = Window(start.astimezone(UTC), start.astimezone(UTC) + timedelta(days=1))
    second = Window(first.start + later, first.end + later)
    assert batch_id_of("clinic", "ward", first)[:16] <= batch_id_of("clinic", "ward", second)[:16]
    assert batch_id_of("clinic", "ward", first) != batch_id_of("clinic", "ward", second)


def test_dates_are_utc_midnights() -> None:
    window = Window.parse("2025-03-30/2025-03-31")
    assert window == Window(datetime(2025, 3, 30, tzinfo=UTC), datetime(2025, 3, 31, tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["", "2025-01-01", "yesterday/today", "2025-01-02/2025-01-01", "2025-01-01/2025-01-01"]
)
def test_what_is_no_window_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(PermanentError) as raised:
        Window.parse(text)
    assert raised.value.remedy
