"""Which rows a batch of an incremental table reads."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from clinic import FACILITY
from hypothesis import given
from hypothesis import strategies as st

from wardlake.bronze.manifest import Manifest
from wardlake.bronze.reading import EVERYTHING, covered_until, reading_of
from wardlake.errors import PermanentError
from wardlake.sources import Source
from wardlake.window import Window

DAY = timedelta(days=1)
FIRST = datetime(2026, 3, 1, tzinfo=UTC)


def source(type_: str = "TIMESTAMP WITH TIME ZONE", zone: str = "Europe/Berlin", **cursor: object) -> Source:
    """A source with one incremental table, whose cursor has the type."""
    return Source.model_validate(
        {
            "name": "clinic",
            "description": "A clinic.",
            "owner": "data team",
            "facility": FACILITY | {"timezone": zone},
            "connection": {"kind": "postgres", "conn_id": "clinic_db"},
            "provides": ["wards"],
            "tables": {
                "stay": {
                    "description": "Stays.",
                    "relation": "adt.stay",
                    "mode": "incremental",
                    "cursor": {"column": "changed"} | cursor,
                    "keys": ["id"],
                    "columns": {"id": {"type": "BIGINT", "pii": "none"}, "changed": {"type": type_, "pii": "none"}},
                }
            },
        }
    )


def batch(start: datetime | None, until: datetime | None, cursor_max: int | None = None) -> Manifest:
    """A committed batch that read this interval."""
    begin, end = start or FIRST, until or FIRST + DAY
    return Manifest(
        source="clinic",
        table="stay",
        mode="incremental",
        batch_id="b",
        window_start=begin,
        window_end=end,
        read_from=start,
        read_until=until,
        cursor_max=None if cursor_max is None else Decimal(cursor_max),
        source_rows=0,
        lake_rows=0,
        columns=[],
        files=[],
        extracted_at=end,
        code_version="0",
    )


def day(number: int) -> Window:
    """A day of March 2026, counted from 0."""
    return Window(FIRST + number * DAY, FIRST + (number + 1) * DAY)


def test_a_table_without_a_cursor_is_read_whole() -> None:
    snapshot = source().model_dump(mode="json")
    snapshot["tables"]["stay"] |= {"mode": "snapshot", "cursor": None}
    assert reading_of(Source.model_validate(snapshot), "stay", day(0), []) == EVERYTHING


def test_the_first_batch_reads_everything_before_the_end_of_its_window() -> None:
    reading = reading_of(source(), "stay", day(4), [])
    assert reading.is_full
    assert (reading.start, reading.upper) == (None, FIRST + 5 * DAY)


def test_a_later_batch_looks_back_from_its_window() -> None:
    reading = reading_of(source(look_back="PT2H"), "stay", day(1), [batch(None, FIRST + DAY)])
    assert (reading.lower, reading.upper) == (FIRST + DAY - timedelta(hours=2), FIRST + 2 * DAY)


def test_runs_that_were_skipped_leave_no_gap() -> None:
    reading = reading_of(source(look_back="PT0S"), "stay", day(9), [batch(None, FIRST + DAY)])
    assert reading.lower == FIRST + DAY


def test_a_backfill_reads_its_window_and_what_no_run_has_read_yet() -> None:
    reading = reading_of(source(), "stay", day(9), [batch(None, FIRST + 20 * DAY)], exactly=True)
    assert (reading.lower, reading.upper) == (FIRST + 9 * DAY, FIRST + 10 * DAY)
    assert FIRST + 19 * DAY <= reading.since <= FIRST + 20 * DAY
    behind = reading_of(source(), "stay", day(9), [batch(None, FIRST + DAY)], exactly=True)
    assert (behind.lower, behind.upper) == (FIRST + 9 * DAY, None)


def test_a_number_goes_on_where_the_greatest_one_was() -> None:
    numbered = source("BIGINT", look_back_by=10)
    assert reading_of(numbered, "stay", day(0), []).is_full
    assert reading_of(numbered, "stay", day(1), [batch(None, None, 500), batch(None, None, 90)]).lower == 490
    with pytest.raises(PermanentError, match=r"clinic\.stay.*is a number"):
        reading_of(numbered, "stay", day(1), [], exactly=True)


def test_a_date_is_read_as_whole_days() -> None:
    hour = Window(datetime(2026, 3, 10, 9, tzinfo=UTC), datetime(2026, 3, 10, 10, tzinfo=UTC))
    reading = reading_of(source("DATE", "UTC", look_back="PT0S"), "stay", hour, [batch(None, hour.start)])
    assert (reading.lower, reading.upper) == (date(2026, 3, 10), date(2026, 3, 11))
    midnight = reading_of(source("DATE", "UTC", look_back="PT0S"), "stay", day(4), [batch(None, day(4).start)])
    assert (midnight.lower, midnight.upper) == (date(2026, 3, 5), date(2026, 3, 6))


def test_a_local_time_is_looked_back_past_the_hour_that_clocks_repeat() -> None:
    # 2026-10-25: 02:30 CEST (00:30 UTC) is written before the window's end, 02:15 CET (01:15 UTC) after it
    end = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    reading = reading_of(
        source("TIMESTAMP", look_back="PT0S"), "stay", Window(end, end + timedelta(hours=1)), [batch(None, end)]
    )
    written_late = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    local = datetime(2026, 10, 25, 2, 15)  # noqa: DTZ001  the wall clock of that moment
    assert end < written_late < end + timedelta(hours=1)
    assert isinstance(reading.lower, datetime)
    assert reading.lower <= local


@given(
    st.permutations(list(range(8))),
    st.lists(st.integers(0, 7), max_size=3),
    st.integers(0, 3).map(lambda hours: timedelta(hours=hours)),
)
def test_no_moment_is_left_out_whatever_order_the_runs_come_in(
    order: list[int], failed: list[int], look_back: timedelta
) -> None:
    spec = source(look_back=look_back)
    committed: list[Manifest] = []
    for number in order:
        if number not in failed:
            reading = reading_of(spec, "stay", day(number), committed)
            committed.append(batch(reading.start, reading.end))
    if not committed:
        return
    latest = max(manifest.window_end for manifest in committed)
    assert covered_until(committed) == latest
