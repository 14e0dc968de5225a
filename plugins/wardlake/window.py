"""The window of time that a batch stands for."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from wardlake.errors import PermanentError


@dataclass(frozen=True)
class Window:
    """Half-open interval [start, end) in UTC; both ends are aware datetimes.

    Raises:
        PermanentError: an end carries no time zone, or the window is empty or runs backwards.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            moment: datetime = getattr(self, name)
            if moment.tzinfo is None:
                raise PermanentError(
                    f"The window's {name} {moment.isoformat()} has no time zone.",
                    remedy="Write it with an offset, for example 2026-01-01T00:00:00Z.",
                )
            object.__setattr__(self, name, moment.astimezone(UTC))
        if self.end <= self.start:
            raise PermanentError(
                f"The window {self} is empty or runs backwards.", remedy="Give a start that is before the end."
            )

    @classmethod
    def of_day(cls, day: date) -> "Window":
        """The UTC day `day`."""
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return cls(start, start + timedelta(days=1))

    @classmethod
    def today(cls) -> "Window":
        """The UTC day that is under way."""
        return cls.of_day(datetime.now(UTC).date())

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Read `START/END`, each an ISO 8601 date or time; without an offset it is UTC.

        Raises:
            PermanentError: `text` is not of that form.
        """
        try:
            first, last = (datetime.fromisoformat(part.strip()) for part in text.split("/"))
        except ValueError:
            raise PermanentError(
                f"'{text}' is not a window.", remedy="Write START/END in ISO 8601, for example 2026-01-01/2026-01-02."
            ) from None
        start, end = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (first, last))
        return cls(start, end)

    def __str__(self) -> str:
        return f"{self.start.isoformat()}/{self.end.isoformat()}"
