"""Query parameters of a request, filled with the interval that is read."""

from datetime import UTC, datetime

from wardlake.bronze.relation import Request
from wardlake.sources import Table
from wardlake.sources.requests import SINCE, UNTIL, Parameters


def filled_in(parameters: Parameters, table: Table, request: Request, timespec: str = "auto") -> list[tuple[str, str]]:
    """Name and value of each parameter; a value with {since} or {until} is left out if that end is open.

    A table of mode `append` asks for its window, any other for what `request.reading` says.
    """
    reading, window = request.reading, request.window
    start, end = (window.start, window.end) if table.mode == "append" else (reading.start, reading.end)
    ends = {mark: moment and instant(moment, timespec) for mark, moment in ((SINCE, start), (UNTIL, end))}
    filled = []
    for name, value in parameters.items():
        for text in [value] if isinstance(value, str) else value:
            if not any(mark in text and spelled is None for mark, spelled in ends.items()):
                filled.append((name, text.replace(SINCE, ends[SINCE] or "").replace(UNTIL, ends[UNTIL] or "")))
    return filled


def instant(moment: datetime, timespec: str = "auto") -> str:
    """A moment in ISO 8601 and UTC. Never cut short: with microseconds it is longer than `timespec` says."""
    spelled = moment.astimezone(UTC).isoformat(timespec="auto" if moment.microsecond else timespec)
    return spelled.replace("+00:00", "Z")
