"""The manifest is the commit of a batch: written last, once, and never changed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from wardlake.bronze.records import read_records
from wardlake.errors import PermanentError
from wardlake.lake import Entry, Lake
from wardlake.settings import Settings
from wardlake.sources.tables import Mode
from wardlake.window import Window

MANIFEST = "_manifest.json"
RETIRED = "_retired.json"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BronzeColumn(_Record):
    """A column of the batch's Parquet files, with its DuckDB type."""

    name: str
    type: str


class BronzeFile(_Record):
    """A Parquet part of the batch."""

    key: str
    sha256: str
    bytes: int
    rows: int


class HeldFile(_Record):
    """A name and the content that was found under it.

    A member of an archive is named archive/member. `sha256` is of the content, decompressed.
    """

    name: str
    sha256: str
    modified_at: datetime | None = None


class TakenFile(HeldFile):
    """A file whose rows are in the batch; its content is taken once, whatever its names.

    `claim` is the object that keeps other batches from taking it.
    """

    rows: int
    claim: str | None = None
    byte_order_mark: bool = False
    left_out_rows: int = 0


class RefusedFile(_Record):
    """A file that could not be read; its content is set aside under `key`. The reason holds no value.

    Without `sha256` and `key` the content itself could not be had.
    """

    name: str
    sha256: str | None
    reason: str
    key: str | None = None


class Comparison(_Record):
    """How a table's keys differ by a backfill: those that came, went, changed, and stayed as they were."""

    added: int
    gone: int
    changed: int
    same: int


class CompactionManifest(_Record):
    """Rows of several batches (`members`) in fewer files; each row keeps its batch id, row id and extraction time."""

    source: str
    table: str
    compaction_id: str
    members: list[str]
    rows: int
    columns: list[BronzeColumn]
    files: list[BronzeFile]
    created_at: datetime
    code_version: str

    @property
    def bytes(self) -> int:
        """Size of the compaction's Parquet files."""
        return sum(file.bytes for file in self.files)


class Retirement(_Record):
    """Says that the data files of a batch were deleted, when, and by what rule. The batch's manifest stays."""

    batch_id: str
    rule: str
    retired_at: datetime
    code_version: str


class Manifest(_Record):
    """What a committed batch holds; all times in UTC.

    `read_from` and `read_until` are the interval of an incremental table's cursor, which ends at the moment of reading
    if the window had not ended; without `read_from` the batch read everything before `read_until`. `cursor_max` is the
    greatest number of a cursor that is a number. `keys` are files of all keys of the source, for tables that look for
    deleted rows, else None. `supersedes` names batches that a backfill replaces. `left_out` counts by reason what the
    source sent and is no row of the table. `held` are files whose content has its rows elsewhere: in an earlier batch,
    or in this one under another name. `seen` holds files of the store that need no second look, with the store's mark
    of their version: all that they hold was taken, by this batch or an earlier one. `same_as` names an earlier snapshot
    with the very same rows under the same row ids. `checksum` is a digest of the figures on which source and lake
    agreed, beside the row count. `extracted_at` is later than that of every batch that was there before.

    Not stored in the manifest: `compaction` and `retirement`, by which `batches` says what became of the files since,
    and `whole`, by which `counting` says which of the files is the table, if each is the whole of it.
    """

    source: str
    table: str
    mode: Mode
    batch_id: str
    window_start: datetime
    window_end: datetime
    read_from: datetime | None = None
    read_until: datetime | None = None
    cursor_max: Decimal | None = None
    snapshot: str | None = None
    arrived: bool = True
    source_rows: int
    lake_rows: int
    checksum: str | None = None
    columns: list[BronzeColumn]
    schema_changes: list[str] = []
    files: list[BronzeFile]
    keys: list[BronzeFile] | None = None
    taken: list[TakenFile] = []
    held: list[HeldFile] = []
    refused: list[RefusedFile] = []
    seen: dict[str, str] = {}
    left_out: dict[str, int] = {}
    supersedes: list[str] = []
    same_as: str | None = None
    comparison: Comparison | None = None
    extracted_at: datetime
    code_version: str
    compaction: CompactionManifest | None = Field(None, exclude=True)
    retirement: Retirement | None = Field(None, exclude=True)
    whole: HeldFile | None = Field(None, exclude=True)

    @property
    def holds(self) -> list[HeldFile]:
        """All files of which the batch says what they hold."""
        return [*self.taken, *self.held]

    @property
    def bytes(self) -> int:
        """Size of the batch's Parquet files."""
        return sum(file.bytes for file in (*self.files, *(self.keys or [])))


def batch_id_of(source: str, table: str, window: Window, backfill: str = "") -> str:
    """Id of the batch of a table for a window: a retry is the same batch, and ids sort by time.

    A backfill has a name of its own, so that it is another batch than the one that it replaces.
    """
    named = f"{source}|{table}|{window}" + (f"|{backfill}" if backfill else "")
    digest = hashlib.sha256(named.encode()).hexdigest()[:12]
    return f"{window.start:%Y%m%dT%H%M%SZ}-{digest}"


def batch_prefix(source: str, table: str, batch_id: str = "") -> str:
    """Prefix of a batch's objects in the bronze bucket; without an id, of all batches of the table."""
    return f"bronze/{source}/{table}/" + (f"batch_id={batch_id}/" if batch_id else "")


def compaction_prefix(source: str, table: str, compaction_id: str = "") -> str:
    """Prefix of a compaction's objects in the bronze bucket; without an id, of all compactions of the table."""
    return f"bronze/{source}/{table}/compaction_id=" + (f"{compaction_id}/" if compaction_id else "")


def read_manifest(lake: Lake, bucket: str, source: str, table: str, batch_id: str) -> Manifest | None:
    """Manifest of a batch, or None if the batch was not committed."""
    key = batch_prefix(source, table, batch_id) + MANIFEST
    content = lake.find(bucket, key)
    return None if content is None else Manifest.model_validate_json(content)


def commit(lake: Lake, bucket: str, manifest: Manifest) -> bool:
    """Write the manifest unless the batch is committed already; True if this call committed it.

    Raises:
        PermanentError: source and lake disagree on the number of rows.
    """
    if manifest.source_rows != manifest.lake_rows:
        raise PermanentError(
            f"{manifest.source}.{manifest.table}, batch {manifest.batch_id}: the source has {manifest.source_rows} "
            f"rows, {manifest.lake_rows} reached the lake. The batch was not committed.",
            remedy="Run again; if it stays so, look for rows that the source hides from this user.",
        )
    key = batch_prefix(manifest.source, manifest.table, manifest.batch_id) + MANIFEST
    return lake.put_if_absent(bucket, key, manifest.model_dump_json(indent=1).encode())


@dataclass(frozen=True)
class Stored:
    """All that is stored of a table: the objects by key, committed batches (oldest window first) and compactions."""

    entries: dict[str, Entry]
    batches: list[Manifest]
    compactions: list[CompactionManifest]

    def committed_at(self, record: Manifest | CompactionManifest) -> datetime:
        """When a batch or a compaction was committed, by the store's clock."""
        return self.entries[_prefix_of(record) + MANIFEST].modified_at


def read_stored(settings: Settings, lake: Lake, source: str, table: str) -> Stored:
    """What is stored of a table now.

    A batch that is a member of several compactions is read from the youngest of them.
    """
    bucket = settings.bucket("bronze")
    # batches first: whoever deletes the parts of a batch has seen to it that the compaction was there long before
    of_batches = lake.entries(bucket, f"{batch_prefix(source, table)}batch_id=")
    of_compactions = lake.entries(bucket, compaction_prefix(source, table))
    entries = {entry.key: entry for entry in (*of_batches, *of_compactions)}

    def records(name: str, among: Sequence[Entry]) -> list[Entry]:
        return [entry for entry in among if entry.key.split("/")[4:] == [name]]

    manifests = read_records(settings, lake, bucket, records(MANIFEST, of_batches), Manifest)
    retirements = read_records(settings, lake, bucket, records(RETIRED, of_batches), Retirement)
    compactions = read_records(settings, lake, bucket, records(MANIFEST, of_compactions), CompactionManifest)
    retired = {retirement.batch_id: retirement for retirement in retirements.values()}
    compacted: dict[str, CompactionManifest] = {}
    for key in sorted(compactions, key=lambda key: (entries[key].modified_at, key)):
        compacted |= dict.fromkeys(compactions[key].members, compactions[key])
    found = [
        manifest.model_copy(
            update={
                "compaction": compacted.get(manifest.batch_id),
                "retirement": retired.get(manifest.batch_id),
            }
        )
        for manifest in manifests.values()
    ]
    found.sort(key=lambda manifest: (manifest.window_start, manifest.window_end))
    return Stored(entries, found, list(compactions.values()))


def batches(settings: Settings, lake: Lake, source: str, table: str) -> list[Manifest]:
    """All committed batches of a table, oldest window first, those included whose files are deleted by now."""
    return read_stored(settings, lake, source, table).batches


def _prefix_of(record: Manifest | CompactionManifest) -> str:
    if isinstance(record, Manifest):
        return batch_prefix(record.source, record.table, record.batch_id)
    return compaction_prefix(record.source, record.table, record.compaction_id)
