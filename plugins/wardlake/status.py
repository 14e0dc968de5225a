"""What the lake holds for each table, and how old it is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wardlake.bronze import batches
from wardlake.lake import Lake
from wardlake.plural import counted
from wardlake.quality import Verdict, judge_freshness, suite_for, verdict_of
from wardlake.settings import Settings
from wardlake.sources import Source


@dataclass(frozen=True)
class TableStatus:
    """The newest batch of a table; None where there is no batch or no verdict yet.

    `arrived`: whether the source had something for any of the batches. `is_late`: whether the last time that it had is
    longer ago than the YAML allows.
    """

    source: str
    table: str
    batches: int
    batch_id: str | None = None
    window_end: datetime | None = None
    age: timedelta | None = None
    rows: int | None = None
    verdict: str | None = None
    quarantined_rows: int | None = None
    arrived: bool = False
    is_late: bool = False


def status(settings: Settings, sources: list[Source]) -> list[TableStatus]:
    """One entry for each table of the sources."""
    lake = Lake(settings)
    return [_of_table(settings, lake, source, table) for source in sources for table in source.tables]


def _of_table(settings: Settings, lake: Lake, source: Source, table: str) -> TableStatus:
    committed = batches(settings, lake, source.name, table)
    if not committed:
        return TableStatus(source.name, table, batches=0)
    newest = committed[-1]
    verdict = verdict_of(lake, settings, newest, suite_for(settings, source, table).version)
    freshness = judge_freshness(source, table, committed)
    return TableStatus(
        source=source.name,
        table=table,
        batches=len(committed),
        batch_id=newest.batch_id,
        window_end=newest.window_end,
        age=datetime.now(UTC) - newest.extracted_at,
        rows=newest.lake_rows,
        verdict=_told(verdict) if verdict else None,
        quarantined_rows=verdict.quarantined_rows if verdict else None,
        arrived=any(manifest.arrived for manifest in committed),
        is_late=freshness is not None and freshness.status == "failed",
    )


def _told(verdict: Verdict) -> str:
    """The status, and how many rules had nothing to look at: such a verdict is not wholly green."""
    told = verdict.status.replace("_", " ")
    if not verdict.unapplied or verdict.status == "not_applicable":
        return told
    return f"{told}, {counted(verdict.unapplied, 'rule')} not applicable"
