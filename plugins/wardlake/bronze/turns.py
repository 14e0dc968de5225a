"""When a source may be read: one extraction at a time, and only in its hours."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from wardlake.errors import PassingError
from wardlake.settings import Settings
from wardlake.sources import Source


@contextmanager
def turn(settings: Settings, source: Source) -> Iterator[None]:
    """Hold the source's turn, unless it allows several extractions at once.

    The turn is of this machine; in Airflow a task of a source runs once at a time, on whichever machine.

    Raises:
        PassingError: it is not the source's hour, or another extraction goes on.
    """
    now = datetime.now(UTC)
    if source.hours and not source.hours.allow(now, source.facility.timezone):
        raise PassingError(
            f"{source.name} may be read from {source.hours.start:%H:%M} to {source.hours.end:%H:%M} "
            f"({source.facility.timezone}) only.",
            remedy="Schedule it in these hours, or agree on others with its owner; the task will try again.",
        )
    if source.concurrent:
        yield
        return
    folder = settings.home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"source-{source.name}.lock", timeout=settings.lock_wait_s):
            yield
    except Timeout:
        raise PassingError(
            f"Another extraction of {source.name} is under way.",
            remedy="Wait until it has ended, or allow several with 'concurrent: true' in its YAML.",
        ) from None
