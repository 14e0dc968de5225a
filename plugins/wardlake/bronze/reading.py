"""Which rows of a table a batch reads: the whole table, or what changed in its window."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from wardlake.bronze.manifest import Manifest
from wardlake.errors import PermanentError
from wardlake.sources import Cursor, Source, Table
from wardlake.window import Window

Bound = datetime | date | Decimal
DST_SHIFT = timedelta(hours=1)
TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Reading:
    """Rows whose cursor lies in `[lower, upper)`, and rows without a cursor; without a column, all rows.

    A backfill reads besides what changed since the last run: from `since` on, which is not before `upper`. The bounds
    are in the column's own terms: a date, a number, a time with or without zone. `start` and `end` are the interval in
    UTC, for manifests and for servers that are asked by time; None where it is open or a number.
    """

    column: str | None = None
    lower: Bound | None = None
    upper: Bound | None = None
    start: datetime | None = None
    end: datetime | None = None
    since: Bound | None = None

    @property
    def ranges(self) -> list[tuple[Bound | None, Bound | None]]:
        """The intervals of the cursor, which do not meet: from the lower bound up to, but without, the upper one."""
        return [(self.lower, self.upper), *([] if self.since is None else [(self.since, None)])]

    def ranges_in_sql(self, column: str, literal: Callable[[Bound], str]) -> list[str]:
        """The intervals as conditions on a column; an empty text for one that is open at both ends."""
        return [
            " AND ".join(
                f"{column} {sign} {literal(bound)}"
                for sign, bound in ((">=", lower), ("<", upper))
                if bound is not None
            )
            for lower, upper in self.ranges
        ]

    @property
    def is_full(self) -> bool:
        """Whether nothing below the end of the window is left out."""
        return self.lower is None


EVERYTHING = Reading()


def reading_of(
    source: Source, table: str, window: Window, committed: Sequence[Manifest], *, exactly: bool = False
) -> Reading:
    """What the batch of a window reads, given the batches that were committed before it.

    The first batch of an incremental table reads everything up to the end of its window. A later one begins where the
    batches before it end, if that is before its window: no run that was skipped leaves a gap. `exactly` reads the
    window and nothing before it, for a backfill; and what no batch can have read yet, so that a row of the window that
    was changed since is not missed in both places.

    Raises:
        PermanentError: the cursor's type is no time and no number; or a number is to be read for a window exactly.
    """
    spec = source.tables[table]
    cursor = spec.cursor
    if cursor is None:
        return EVERYTHING
    type_ = cursor_type(spec)
    if not is_time(type_):
        if exactly:
            raise PermanentError(
                f"{source.name}.{table}: its cursor '{cursor.column}' is a number, and a window of time says nothing "
                "of it.",
                remedy="Backfill it from the start (no window), or choose a cursor that is a time.",
            )
        superseded = {batch_id for manifest in committed for batch_id in manifest.supersedes}
        standing = [manifest for manifest in committed if manifest.batch_id not in superseded]
        marks = [manifest.cursor_max for manifest in standing if manifest.cursor_max is not None]
        lower = max(marks) - cursor.look_back_by if marks else None
        return Reading(cursor.column, lower=lower)
    covered = covered_until(committed)
    if exactly:
        start: datetime | None = window.start
    elif covered is None:
        start = None
    else:
        start = min(window.start, covered) - _look_back(cursor, type_)
    zone: tzinfo = ZoneInfo(source.facility.timezone) if cursor.timezone == "facility" else UTC
    lower_bound = None if start is None else _bound(start, type_, zone)
    # a date is read whole as soon as its day has begun
    upper = _bound(window.end - TICK, type_, zone) if type_ == "DATE" else _bound(window.end, type_, zone)
    if type_ == "DATE" and isinstance(upper, date):
        upper += timedelta(days=1)
    if not exactly:
        return Reading(cursor.column, lower_bound, upper, start, window.end)
    unread = window.end if covered is None else covered - _look_back(cursor, type_)
    if unread <= window.end:
        return Reading(cursor.column, lower_bound, None, start, window.end)
    return Reading(cursor.column, lower_bound, upper, start, window.end, since=max(upper, _bound(unread, type_, zone)))


def cursor_type(table: Table) -> str:
    """The DuckDB type in which the bounds of a table's cursor are written.

    A server is asked by time, and its cursor is kept as the text that it sent.
    """
    if table.search or table.request:
        return "TIMESTAMP WITH TIME ZONE"
    return table.columns[table.cursor.column].type.upper() if table.cursor else ""


def is_time(type_: str) -> bool:
    """Whether a column of a DuckDB type is a time or a date; else a cursor is a number."""
    return type_.upper().startswith(("TIMESTAMP", "DATE"))


def covered_until(committed: Sequence[Manifest]) -> datetime | None:
    """The moment up to which the batches hold every change without a gap; None if no batch read from the start.

    A backfill adds nothing: it does not look back, and rows that committed late before its window are still to be read.
    """
    intervals = [
        (manifest.read_from, manifest.read_until)
        for manifest in committed
        if manifest.read_until is not None and manifest.comparison is None
    ]
    whole = [until for start, until in intervals if start is None and until is not None]
    if not whole:
        return None
    covered = max(whole)
    for start, until in sorted((start, until) for start, until in intervals if start is not None and until is not None):
        if start <= covered:
            covered = max(covered, until)
    return covered


def _look_back(cursor: Cursor, type_: str) -> timedelta:
    is_local = type_ == "TIMESTAMP" and cursor.timezone == "facility"
    return max(cursor.look_back, DST_SHIFT) if is_local else cursor.look_back


def _bound(moment: datetime, type_: str, zone: tzinfo) -> Bound:
    if type_ in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"):
        return moment
    local = moment.astimezone(zone)
    return local.date() if type_ == "DATE" else local.replace(tzinfo=None)
