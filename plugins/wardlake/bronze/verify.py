"""Whether bronze still is what the manifests say: every byte, every count, every row's lineage.

Objects are streamed, never kept; DuckDB reads no more of them than footers and lineage columns, with bounded memory.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from wardlake.bronze.clean import orphans
from wardlake.bronze.current import LINEAGE_TYPES
from wardlake.bronze.history import find, id_of
from wardlake.bronze.manifest import BronzeColumn, BronzeFile, CompactionManifest, Manifest, Stored, read_stored
from wardlake.bronze.work import work_folder
from wardlake.errors import PassingError
from wardlake.lake import Entry, Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.sql import as_name
from wardlake.warehouse.connection import connect, translate

Progress = Callable[[str, int, int], None]
"""Called with the batch that was checked, how many are done, and how many there are."""


@dataclass(frozen=True)
class Checked:
    """A batch or a compaction that was compared with what is stored; without problems all is well."""

    id: str
    files: int
    bytes: int
    rows: int
    note: str = ""
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Verified:
    """A table that was checked, and the parts that no manifest names, which are no error."""

    source: str
    table: str
    checked: list[Checked]
    orphans: list[Entry]

    @property
    def is_whole(self) -> bool:
        """Whether nothing differs."""
        return not any(one.problems for one in self.checked)


def verify_table(
    settings: Settings, source: Source, table: str, batch: str | None = None, progress: Progress = lambda *_: None
) -> Verified:
    """Compare all batches and compactions of a table with their manifests, or one of them and what holds its rows.

    Raises:
        PassingError: the store did not answer.
        PermanentError: there is no such batch; memory or disk do not suffice.
    """
    lake = Lake(settings)
    stored = read_stored(settings, lake, source.name, table)
    records: list[Manifest | CompactionManifest] = [*stored.batches, *stored.compactions]
    if batch:
        found = find(stored, f"{source.name}.{table}", batch)
        records = [found]
        if isinstance(found, Manifest) and found.compaction and not found.retirement:
            records.append(found.compaction)
    checked = []
    with work_folder(settings, "verify") as work, connect(settings) as engine:
        check = _Check(settings, lake, engine, work, stored)
        for number, record in enumerate(records, start=1):
            checked.append(check.batch(record) if isinstance(record, Manifest) else check.compaction(record))
            progress(f"{source.name}.{table} {id_of(record)}", number, len(records))
    return Verified(source.name, table, checked, [] if batch else orphans(stored))


@dataclass(frozen=True)
class _Check:
    settings: Settings
    lake: Lake
    engine: duckdb.DuckDBPyConnection
    work: Path
    stored: Stored

    def batch(self, manifest: Manifest) -> Checked:
        """Compare a batch; of one that was compacted only what is left of its own files."""
        if retired := manifest.retirement:
            note = f"retired on {retired.retired_at:%Y-%m-%d}: {retired.rule}"
            return Checked(manifest.batch_id, 0, 0, manifest.lake_rows, note)
        files = manifest.files
        if manifest.compaction:
            files = [file for file in files if file.key in self.stored.entries]
        problems = _of_sums(manifest)
        readable = [file for file in files if self._is_readable(file, manifest.columns, problems)]
        for file in manifest.keys or []:
            self._is_readable(file, None, problems)
        for batch_id, rows, row_ids in self._lineage(readable, problems):
            if batch_id != manifest.batch_id:
                problems.append(f"{rows} rows carry the id of another batch")
            elif row_ids != rows:
                problems.append(f"_row_id is not unique: {rows} rows, {row_ids} ids")
        checked = [*files, *(manifest.keys or [])]
        note = f"read from compaction {manifest.compaction.compaction_id}" if manifest.compaction else ""
        size = sum(file.bytes for file in checked)
        return Checked(manifest.batch_id, len(checked), size, manifest.lake_rows, note, problems)

    def compaction(self, compaction: CompactionManifest) -> Checked:
        """Compare a compaction: it must hold exactly the rows of its members."""
        problems: list[str] = []
        readable = [file for file in compaction.files if self._is_readable(file, compaction.columns, problems)]
        if sum(file.rows for file in compaction.files) != compaction.rows:
            problems.append(f"the manifest says {compaction.rows} rows, and its files have another number")
        expected = {
            manifest.batch_id: manifest.lake_rows
            for manifest in self.stored.batches
            if manifest.batch_id in compaction.members
        }
        problems += [f"{member} has no manifest" for member in compaction.members if member not in expected]
        found = {batch_id: (rows, row_ids) for batch_id, rows, row_ids in self._lineage(readable, problems)}
        for batch_id in sorted(expected | found):
            rows, row_ids = found.get(batch_id, (0, 0))
            if rows != expected.get(batch_id, 0) and readable == compaction.files:
                problems.append(f"{batch_id} has {rows} rows, its manifest says {expected.get(batch_id, 0)}")
            if row_ids != rows:
                problems.append(f"{batch_id}: _row_id is not unique: {rows} rows, {row_ids} ids")
        note = f"compaction of {len(compaction.members)} batches"
        return Checked(
            compaction.compaction_id, len(compaction.files), compaction.bytes, compaction.rows, note, problems
        )

    def _is_readable(self, file: BronzeFile, columns: Sequence[BronzeColumn] | None, problems: list[str]) -> bool:
        """Add what differs in a file to `problems`; whether DuckDB can open it."""
        name = file.key.rpartition("/")[2]
        if file.key not in self.stored.entries:
            problems.append(f"{name} is missing")
            return False
        digest, size = self._digest(file.key)
        if size != file.bytes:
            problems.append(f"{name} has {size} bytes, the manifest says {file.bytes}")
        if is_changed := digest != file.sha256:
            problems.append(f"{name} has another content (SHA-256)")
        url = Lake.url(self.settings.bucket("bronze"), file.key)
        try:
            rows = self.engine.execute(f"SELECT num_rows FROM parquet_file_metadata('{url}')").fetchall()[0][0]
            found = self._described(f"read_parquet('{url}', hive_partitioning = false)")
        except duckdb.Error as error:
            if not is_changed:
                problems.append(f"{name} cannot be read as Parquet ({_told(error, name)})")
            return False
        if rows != file.rows:
            problems.append(f"{name} has {rows} rows, the manifest says {file.rows}")
        if columns is not None and found != self._expected(columns):
            differing = sorted({column for column, _ in set(found) ^ set(self._expected(columns))})
            problems.append(f"{name} has other columns than the manifest: {', '.join(differing) or 'another order'}")
        return True

    def _digest(self, key: str) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        for piece in self.lake.stream(self.settings.bucket("bronze"), key):
            digest.update(piece)
            size += len(piece)
        return digest.hexdigest(), size

    def _lineage(self, files: Iterable[BronzeFile], problems: list[str]) -> list[tuple[str, int, int]]:
        """Batch ids in the files, with the number of rows and of different row ids of each."""
        urls = [Lake.url(self.settings.bucket("bronze"), file.key) for file in files]
        if not urls:
            return []
        relation = f"read_parquet({urls}, hive_partitioning = false, union_by_name = true)"
        query = f"SELECT _batch_id, count(*), count(DISTINCT _row_id) FROM {relation} GROUP BY _batch_id"
        try:
            return self.engine.execute(query).fetchall()
        except duckdb.Error as error:
            if not problems:
                problems.append(f"its lineage columns cannot be read ({_told(error, 'The batch')})")
            return []

    def _described(self, relation: str) -> list[tuple[str, str]]:
        return [(name, type_) for name, type_, *_ in self.engine.execute(f"DESCRIBE FROM {relation}").fetchall()]

    def _expected(self, columns: Sequence[BronzeColumn]) -> list[tuple[str, str]]:
        """Columns and types as a Parquet file keeps them: some types of DuckDB have no equal there."""
        typed = {"_row_id": "BIGINT"} | {column.name: column.type for column in columns} | LINEAGE_TYPES
        listed = ", ".join(f"CAST(NULL AS {type_}) AS {as_name(name)}" for name, type_ in typed.items())
        path = self.work / "expected.parquet"
        self.engine.execute(f"COPY (SELECT {listed} WHERE false) TO '{path}' (FORMAT parquet)")
        return self._described(f"read_parquet('{path}')")


def _of_sums(manifest: Manifest) -> list[str]:
    rows = sum(file.rows for file in manifest.files)
    problems = []
    if rows != manifest.lake_rows:
        problems.append(f"its files have {rows} rows, the manifest says {manifest.lake_rows}")
    if manifest.source_rows != manifest.lake_rows:
        problems.append(
            f"the manifest says {manifest.source_rows} rows of the source, {manifest.lake_rows} in the lake"
        )
    return problems


def _told(error: duckdb.Error, place: str) -> str:
    """The kind of an error; its text may hold values.

    Raises:
        PassingError: the store did not answer, which says nothing about the file.
    """
    if isinstance(told := translate(error, place), PassingError):
        raise told from None
    return type(error).__name__
