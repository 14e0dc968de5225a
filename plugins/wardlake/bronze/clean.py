"""What no reader needs is deleted: leftovers of killed runs, files that were merged, batches that are kept no longer.

Ages are by the store's clock. Whoever has begun to read or to write keeps what it needs for a time of grace.
"""

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from pathlib import Path

from wardlake.bronze.current import counting
from wardlake.bronze.manifest import (
    MANIFEST,
    RETIRED,
    BronzeFile,
    Manifest,
    RefusedFile,
    Retirement,
    Stored,
    TakenFile,
    batch_prefix,
    compaction_prefix,
    read_stored,
)
from wardlake.bronze.work import left_behind
from wardlake.lake import Entry, Lake
from wardlake.settings import Settings
from wardlake.sources import Source, Table
from wardlake.version import code_version

WRITERS_GRACE = timedelta(hours=24)
"""How long a run may be silent before its parts count as left behind."""
READERS_GRACE = timedelta(days=7)
"""How long files stay after a compaction has taken their place."""
PART = re.compile(r"(part|keys)-[^/]+\.parquet")


@dataclass(frozen=True)
class Freed:
    """Objects that were deleted (or would be, in a dry run) for one reason; `table` is None for local folders."""

    reason: str
    table: str | None
    objects: int
    bytes: int


@dataclass(frozen=True)
class Rubbish:
    """Objects that may go, in the order in which they must."""

    reason: str
    entries: Sequence[Entry]


def clean_table(
    settings: Settings,
    source: Source,
    table: str,
    needed: Iterable[str] | None = None,
    *,
    writers_grace: timedelta = WRITERS_GRACE,
    readers_grace: timedelta = READERS_GRACE,
    dry_run: bool = False,
) -> list[Freed]:
    """Delete what no reader of a table needs; one entry for each reason.

    `needed` are ids of batches that somebody needs beside those that count, None if that cannot be said: then nothing
    is retired. Safe to repeat, to kill and to run twice at once.

    Raises:
        PermanentError, PassingError: the store refused or did not answer.
    """
    lake, bucket = Lake(settings), settings.bucket("bronze")
    stored, now = read_stored(settings, lake, source.name, table), lake.now(bucket)
    expired = {} if needed is None else _expired(source.tables[table], stored, set(needed), now)
    gone = {manifest.batch_id for manifest in stored.batches if manifest.retirement} | set(expired)
    found = [
        Rubbish("parts of killed runs", _orphans(stored, now - writers_grace)),
        Rubbish("files of batches that are kept no longer", _of_batches(stored, gone)),
        Rubbish("files of batches that were compacted", _compacted(stored, gone, now - readers_grace)),
        Rubbish("replaced compactions", _replaced(stored, gone, now - readers_grace)),
        Rubbish("claims of killed runs", _claims(lake, bucket, source.name, table, stored, now - writers_grace)),
    ]
    if not dry_run:
        for batch_id, rule in expired.items():
            _retire(lake, bucket, source.name, table, batch_id, rule)
        for rubbish in found:
            lake.delete_all(bucket, [entry.key for entry in rubbish.entries])
    return [
        Freed(each.reason, f"{source.name}.{table}", len(each.entries), sum(entry.bytes for entry in each.entries))
        for each in found
        if each.entries
    ]


def clean_home(settings: Settings, grace: timedelta = WRITERS_GRACE, *, dry_run: bool = False) -> list[Freed]:
    """Delete the work folders that killed runs have left on this machine."""
    folders = left_behind(settings, grace)
    size = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
    for folder in [] if dry_run else folders:
        shutil.rmtree(folder, ignore_errors=True)
    return [Freed("local folders of killed runs", None, len(folders), size)] if folders else []


def orphans(stored: Stored) -> list[Entry]:
    """Parts that no manifest names: of a run that goes on, or of one that was killed."""
    named = {file.key for manifest in stored.batches for file in _files(manifest)}
    named |= {file.key for compaction in stored.compactions for file in compaction.files}
    return [
        entry
        for key, entry in stored.entries.items()
        if key not in named and PART.fullmatch("/".join(key.split("/")[4:]))
    ]


def _orphans(stored: Stored, silent_since: datetime) -> list[Entry]:
    """Orphans of batches and compactions to which nothing was added for a while."""
    by_folder: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in orphans(stored):
        by_folder[entry.key.rpartition("/")[0]].append(entry)
    return [
        entry
        for entries in by_folder.values()
        if max(entry.modified_at for entry in entries) <= silent_since
        for entry in entries
    ]


def _expired(table: Table, stored: Stored, needed: set[str], now: datetime) -> dict[str, str]:
    """Batches that nobody has needed for `keep_days`, and by what rule: the days count from the batch that replaced it.

    So a reader that began with the batch when it still counted has these days to end.
    """
    if table.keep_days is None:
        return {}
    replaced: dict[str, tuple[datetime, str]] = {}
    if table.mode == "snapshot":
        arrived = [manifest for manifest in stored.batches if manifest.arrived and manifest.retirement is None]
        for older, newer in pairwise(arrived):
            since = max(stored.committed_at(older), stored.committed_at(newer))
            replaced[older.batch_id] = (since, f"a newer snapshot, {newer.batch_id}")
    for manifest in stored.batches:
        for batch_id in manifest.supersedes:
            replaced.setdefault(batch_id, (stored.committed_at(manifest), f"superseded by {manifest.batch_id}"))
    needed |= {manifest.batch_id for manifest in counting(table, stored.batches)}
    oldest = now - timedelta(days=table.keep_days)
    return {
        manifest.batch_id: f"{replaced[manifest.batch_id][1]}; keep_days: {table.keep_days}"
        for manifest in stored.batches
        if manifest.files and manifest.retirement is None
        if manifest.batch_id in replaced and manifest.batch_id not in needed
        if replaced[manifest.batch_id][0] <= oldest
    }


def _retire(lake: Lake, bucket: str, source: str, table: str, batch_id: str, rule: str) -> None:
    retirement = Retirement(batch_id=batch_id, rule=rule, retired_at=datetime.now(UTC), code_version=code_version())
    key = batch_prefix(source, table, batch_id) + RETIRED
    lake.put_if_absent(bucket, key, retirement.model_dump_json(indent=1).encode())


def _of_batches(stored: Stored, batch_ids: set[str]) -> list[Entry]:
    named = [file for manifest in stored.batches if manifest.batch_id in batch_ids for file in _files(manifest)]
    return _present(stored, named)


def _compacted(stored: Stored, gone: set[str], committed_before: datetime) -> list[Entry]:
    """Rows of batches that are in a whole compaction for so long that nobody reads the batches' own files any more."""
    named = [
        file
        for manifest in stored.batches
        if manifest.compaction and manifest.batch_id not in gone
        if stored.committed_at(manifest.compaction) <= committed_before
        if all(_is_whole(stored, file) for file in manifest.compaction.files)
        for file in manifest.files
    ]
    return _present(stored, named)


def _replaced(stored: Stored, gone: set[str], committed_before: datetime) -> list[Entry]:
    """Compactions from which no batch is read: the manifest goes first, so that the rest is an orphan if this ends."""
    batches = {manifest.batch_id: manifest for manifest in stored.batches}
    found: list[Entry] = []
    for compaction in stored.compactions:
        read_from = [
            batches[member].compaction for member in compaction.members if member in batches and member not in gone
        ]
        if (
            all(place and place != compaction and stored.committed_at(place) <= committed_before for place in read_from)
            and stored.committed_at(compaction) <= committed_before
        ):
            manifest = compaction_prefix(compaction.source, compaction.table, compaction.compaction_id) + MANIFEST
            found += [stored.entries[manifest], *_present(stored, compaction.files)]
    return found


def _claims(lake: Lake, bucket: str, source: str, table: str, stored: Stored, silent_since: datetime) -> list[Entry]:
    """Claims on landing files (`_taken/<sha256>.json`) by batches that were not committed and show no sign of life."""
    committed = {manifest.batch_id for manifest in stored.batches}
    known = {
        file.sha256
        for manifest in stored.batches
        for file in chain[TakenFile | RefusedFile](manifest.taken, manifest.refused)
    }
    at_work = {
        key.split("/")[3].removeprefix("batch_id=")
        for key, entry in stored.entries.items()
        if entry.modified_at > silent_since
    }
    found = []
    for entry in lake.entries(bucket, f"{batch_prefix(source, table)}_taken/"):
        if entry.modified_at <= silent_since and Path(entry.key).stem not in known:
            batch_id = json.loads(lake.find(bucket, entry.key) or b"{}").get("batch_id")
            if batch_id and batch_id not in committed | at_work:
                found.append(entry)
    return found


def _files(manifest: Manifest) -> list[BronzeFile]:
    return [*manifest.files, *(manifest.keys or [])]


def _present(stored: Stored, files: Iterable[BronzeFile]) -> list[Entry]:
    return [stored.entries[file.key] for file in files if file.key in stored.entries]


def _is_whole(stored: Stored, file: BronzeFile) -> bool:
    entry = stored.entries.get(file.key)
    return entry is not None and entry.bytes == file.bytes
