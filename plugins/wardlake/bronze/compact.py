"""Compaction: the rows of many small batches in few files, beside the batches and without a change to any of them.

A compaction is an object of its own, committed by a conditional put. Its rows keep their batch id and row id, so that
verdicts and history stay valid. Readers take each batch from the youngest compaction that holds it
(`manifest.read_stored`); the batches' own files are deleted later, by `clean`, when nobody can be reading them.
"""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from wardlake.bronze.current import LINEAGE_TYPES, counting, places
from wardlake.bronze.manifest import (
    MANIFEST,
    BronzeFile,
    CompactionManifest,
    Manifest,
    Stored,
    compaction_prefix,
    read_stored,
)
from wardlake.bronze.parts import PART_BYTES
from wardlake.bronze.work import work_folder
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source, Table
from wardlake.sql import as_name
from wardlake.version import code_version
from wardlake.warehouse.connection import connect, translate

OLDER_THAN = timedelta(days=7)
FEWEST = 5
"""Fewer places than this are not worth being written again."""


@dataclass(frozen=True)
class Compacted:
    """What a compaction merges: batches, and the bytes that their rows take before and after (0: a dry run)."""

    source: str
    table: str
    compaction_id: str
    batches: int
    rows: int
    bytes_before: int
    bytes_after: int = 0


def compact_table(
    settings: Settings, source: Source, table: str, older_than: timedelta = OLDER_THAN, *, dry_run: bool = False
) -> list[Compacted]:
    """Merge small batches of a table that are older than `older_than`; one entry for each compaction.

    Safe to repeat, to kill and to run twice at once. Snapshots are never merged: only one of them counts.

    Raises:
        PermanentError: a batch has lost rows or files, or the disk is full; nothing is committed then.
        PassingError: the store did not answer.
    """
    lake, spec = Lake(settings), source.tables[table]
    stored = read_stored(settings, lake, source.name, table)
    done = []
    for members in worth_merging(spec, stored, lake.now(settings.bucket("bronze")) - older_than):
        told = Compacted(
            source.name,
            table,
            compaction_id_of([member.batch_id for member in members]),
            batches=len(members),
            rows=sum(member.lake_rows for member in members),
            bytes_before=sum(file.bytes for member in members for file in member.files),
        )
        if not dry_run:
            written = _merge(settings, lake, spec, members)
            told = replace(told, bytes_after=written.bytes)
        done.append(told)
    return done


def compaction_id_of(batch_ids: Sequence[str]) -> str:
    """Id of the compaction of these batches; ids sort by the first batch's time."""
    named = sorted(batch_ids)
    return f"{named[0].split('-')[0]}-{hashlib.sha256('|'.join(named).encode()).hexdigest()[:12]}"


def worth_merging(table: Table, stored: Stored, committed_before: datetime) -> list[list[Manifest]]:
    """Groups of batches that count, each of one schema and about as large as a well-sized file.

    Batches of a compaction that is not full yet are merged again with newer ones, and so are those of a compaction that
    holds a retired batch, to be rid of its rows.
    """
    if table.mode == "snapshot":
        return []
    unclean = {each.compaction.compaction_id for each in stored.batches if each.compaction and each.retirement}
    by_schema: defaultdict[tuple[tuple[str, str], ...], list[Manifest]] = defaultdict(list)
    for manifest in counting(table, stored.batches):
        place = manifest.compaction
        is_small = _bytes(manifest) < PART_BYTES if place is None else place.bytes < PART_BYTES
        is_unclean = place is not None and place.compaction_id in unclean
        if manifest.files and (is_small or is_unclean) and stored.committed_at(manifest) <= committed_before:
            by_schema[tuple((column.name, column.type) for column in manifest.columns)].append(manifest)
    groups = [group for alike in by_schema.values() for group in _packed(alike)]
    return [
        group
        for group in groups
        if len({_place_of(member) for member in group}) >= FEWEST
        or any(member.compaction and member.compaction.compaction_id in unclean for member in group)
    ]


def _packed(manifests: list[Manifest]) -> list[list[Manifest]]:
    groups: list[list[Manifest]] = [[]]
    for manifest in manifests:
        if sum(_bytes(member) for member in groups[-1]) >= PART_BYTES:
            groups.append([])
        groups[-1].append(manifest)
    return groups


def _bytes(manifest: Manifest) -> int:
    return sum(file.bytes for file in manifest.files)


def _place_of(manifest: Manifest) -> str:
    return manifest.compaction.compaction_id if manifest.compaction else manifest.batch_id


def _merge(settings: Settings, lake: Lake, table: Table, members: list[Manifest]) -> CompactionManifest:
    """Write and commit the compaction of batches, or return the one that is there."""
    first = members[0]
    compaction_id = compaction_id_of([member.batch_id for member in members])
    prefix = compaction_prefix(first.source, first.table, compaction_id)
    place = f"{first.source}.{first.table}, compaction {compaction_id}"
    columns = ["_row_id", *(column.name for column in first.columns), *list(LINEAGE_TYPES)[1:]]
    listed = ", ".join(as_name(name) for name in columns)
    rows = " UNION ALL ".join(f"SELECT {listed} FROM {each.relation}" for each in places(settings, members))
    attempt = uuid.uuid4().hex[:8]
    try:
        with work_folder(settings, "compact") as work, connect(settings) as engine:
            before = _digests(engine, listed, f"({rows})")
            _refuse_lost_rows(place, members, before)
            folder = work / "parts"
            order = ", ".join([*map(as_name, table.keys), "_batch_id", "_row_id"])
            engine.execute(
                f"COPY (SELECT * FROM ({rows}) ORDER BY {order}) TO '{folder}' "
                f"(FORMAT parquet, COMPRESSION zstd, FILE_SIZE_BYTES {PART_BYTES})"
            )
            if _digests(engine, listed, f"read_parquet('{folder}/*.parquet')") != before:
                raise PermanentError(
                    f"{place}: the merged files do not hold the rows of the batches. It was not committed.",
                    remedy="Run 'wardlake bronze verify' on this table; if all is well there, report it.",
                )
            paths: list[Path] = sorted(folder.glob("*.parquet"), key=lambda path: (len(path.name), path.name))
            files = [
                _store(engine, lake, settings.bucket("bronze"), path, f"{prefix}part-{attempt}-{number:05d}.parquet")
                for number, path in enumerate(paths)
            ]
    except duckdb.Error as error:
        raise translate(error, place) from None  # its text may hold values
    except OSError as error:
        raise PermanentError(
            f"{place}: {error.strerror or error}.", remedy=f"Free room in or give rights on {settings.temp_dir}."
        ) from error
    manifest = CompactionManifest(
        source=first.source,
        table=first.table,
        compaction_id=compaction_id,
        members=sorted(member.batch_id for member in members),
        rows=sum(file.rows for file in files),
        columns=first.columns,
        files=files,
        created_at=datetime.now(UTC),
        code_version=code_version(),
    )
    bucket, key = settings.bucket("bronze"), prefix + MANIFEST
    if lake.put_if_absent(bucket, key, manifest.model_dump_json(indent=1).encode()):
        return manifest
    return CompactionManifest.model_validate_json(lake.get(bucket, key))


def _store(engine: duckdb.DuckDBPyConnection, lake: Lake, bucket: str, path: Path, key: str) -> BronzeFile:
    """Upload a Parquet file, drop the local copy, and say what was stored."""
    rows = engine.execute(f"SELECT num_rows FROM parquet_file_metadata('{path}')").fetchall()[0][0]
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    size = path.stat().st_size
    lake.upload(path, bucket, key)
    path.unlink()
    return BronzeFile(key=key, sha256=digest, bytes=size, rows=rows)


def _digests(engine: duckdb.DuckDBPyConnection, columns: str, relation: str) -> dict[str, tuple[int, int]]:
    """Number of rows of each batch, and a digest of their values that does not depend on the order."""
    found = engine.execute(
        f"SELECT _batch_id, count(*), sum(hash({columns})::HUGEINT) FROM {relation} GROUP BY _batch_id"
    ).fetchall()
    return {batch_id: (rows, digest) for batch_id, rows, digest in found}


def _refuse_lost_rows(place: str, members: list[Manifest], found: dict[str, tuple[int, int]]) -> None:
    expected = {member.batch_id: member.lake_rows for member in members if member.lake_rows}
    counted = {batch_id: rows for batch_id, (rows, _) in found.items()}
    if wrong := sorted(name for name in expected | counted if expected.get(name) != counted.get(name)):
        raise PermanentError(
            f"{place}: the files of these batches do not hold as many rows as their manifests say: {', '.join(wrong)}. "
            "It was not committed.",
            remedy="Run 'wardlake bronze verify' on this table to see which files were changed.",
        )
