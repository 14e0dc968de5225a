"""The batches and compactions of a table as a person wants to see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from wardlake.bronze.current import counting
from wardlake.bronze.manifest import CompactionManifest, Manifest, Stored, batch_id_of, read_stored
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source, Table
from wardlake.window import Window

Kind = Literal["full", "window", "backfill", "compaction"]
State = Literal["current", "superseded", "compacted", "retired"]


@dataclass(frozen=True)
class Line:
    """A batch or a compaction in a list.

    `current`: read by everybody who reads the table now. `compacted`: so too, but from a compaction. `superseded`: a
    newer snapshot, a backfill or a younger compaction has taken its place. `retired`: its files were deleted.
    `arrived` is false for a batch for which the source had nothing.
    """

    source: str
    table: str
    id: str
    kind: Kind
    state: State
    window: Window | None
    rows: int
    bytes: int
    written_at: datetime
    arrived: bool = True


def lines(settings: Settings, lake: Lake, source: Source, table: str) -> list[Line]:
    """All batches of a table, oldest window first, then its compactions, oldest first."""
    stored = read_stored(settings, lake, source.name, table)
    spec = source.tables[table]
    current = {manifest.batch_id for manifest in counting(spec, stored.batches)}
    of_batches = [
        Line(
            source.name,
            table,
            manifest.batch_id,
            kind_of(spec, manifest),
            _state(manifest, current),
            Window(manifest.window_start, manifest.window_end),
            manifest.lake_rows,
            manifest.bytes,
            manifest.extracted_at,
            manifest.arrived,
        )
        for manifest in stored.batches
    ]
    read_from = {manifest.compaction.compaction_id for manifest in stored.batches if manifest.compaction}
    of_compactions = [
        Line(
            source.name,
            table,
            compaction.compaction_id,
            "compaction",
            "current" if compaction.compaction_id in read_from else "superseded",
            None,
            compaction.rows,
            compaction.bytes,
            compaction.created_at,
        )
        for compaction in sorted(stored.compactions, key=lambda each: each.created_at)
    ]
    return of_batches + of_compactions


def kind_of(table: Table, manifest: Manifest) -> Kind:
    """Whether a batch holds the whole table, what its window brought, or a window that was read again."""
    window = Window(manifest.window_start, manifest.window_end)
    if manifest.supersedes or manifest.batch_id != batch_id_of(manifest.source, manifest.table, window):
        return "backfill"
    starts_at_the_beginning = manifest.read_until is not None and manifest.read_from is None
    return "full" if table.mode == "snapshot" or starts_at_the_beginning else "window"


def find(stored: Stored, place: str, prefix: str) -> Manifest | CompactionManifest:
    """The batch or compaction whose id begins so; `place` names the table.

    Raises:
        PermanentError: there is none, or more than one.
    """
    records: Sequence[Manifest | CompactionManifest] = [*stored.batches, *stored.compactions]
    found = {id_of(record): record for record in records if id_of(record).startswith(prefix)}
    if prefix in found:
        return found[prefix]
    if len(found) != 1:
        raise PermanentError(
            f"{place} has {len(found) or 'no'} batches whose id begins with '{prefix}'.",
            remedy=f"Take an id that 'wardlake bronze ls {place}' shows, or as much of it as makes it the only one.",
        )
    return next(iter(found.values()))


def id_of(record: Manifest | CompactionManifest) -> str:
    """Id of a batch or of a compaction."""
    return record.batch_id if isinstance(record, Manifest) else record.compaction_id


def _state(manifest: Manifest, current: set[str]) -> State:
    if manifest.retirement:
        return "retired"
    if manifest.batch_id not in current:
        return "superseded"
    return "compacted" if manifest.compaction else "current"
