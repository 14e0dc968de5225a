"""The manifest is the commit of a batch: written last, once, and never changed."""

import hashlib
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.window import Window

MANIFEST = "_manifest.json"


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


class TakenFile(_Record):
    """A landing file whose rows are in the batch; its content is taken once, whatever its name."""

    name: str
    sha256: str
    rows: int
    byte_order_mark: bool


class Manifest(_Record):
    """What a committed batch holds; all times in UTC."""

    source: str
    table: str
    mode: Literal["snapshot", "append"]
    batch_id: str
    window_start: datetime
    window_end: datetime
    source_rows: int
    lake_rows: int
    columns: list[BronzeColumn]
    files: list[BronzeFile]
    taken: list[TakenFile] = []
    extracted_at: datetime
    code_version: str

    @property
    def bytes(self) -> int:
        """Size of the batch's Parquet files."""
        return sum(file.bytes for file in self.files)


def batch_id_of(source: str, table: str, window: Window) -> str:
    """Id of the batch of a table for a window: a retry is the same batch, and ids sort by time."""
    digest = hashlib.sha256(f"{source}|{table}|{window}".encode()).hexdigest()[:12]
    return f"{window.start:%Y%m%dT%H%M%SZ}-{digest}"


def batch_prefix(source: str, table: str, batch_id: str = "") -> str:
    """Prefix of a batch's objects in the bronze bucket; without an id, of all batches of the table."""
    return f"bronze/{source}/{table}/" + (f"batch_id={batch_id}/" if batch_id else "")


def read_manifest(lake: Lake, bucket: str, source: str, table: str, batch_id: str) -> Manifest | None:
    """Manifest of a batch, or None if the batch was not committed."""
    key = batch_prefix(source, table, batch_id) + MANIFEST
    return Manifest.model_validate_json(lake.get(bucket, key)) if lake.exists(bucket, key) else None


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


def batches(settings: Settings, lake: Lake, source: str, table: str) -> list[Manifest]:
    """All committed batches of a table, oldest window first."""
    bucket = settings.bucket("bronze")
    keys = [key for key in lake.list(bucket, batch_prefix(source, table)) if key.endswith("/" + MANIFEST)]
    return sorted(
        (Manifest.model_validate_json(lake.get(bucket, key)) for key in keys),
        key=lambda manifest: (manifest.window_start, manifest.window_end),
    )


def current_batches(settings: Settings, lake: Lake, source: Source, table: str) -> list[Manifest]:
    """The batches that together are the table now: the newest snapshot, or everything that was appended."""
    found = batches(settings, lake, source.name, table)
    return found[-1:] if source.tables[table].mode == "snapshot" else found
