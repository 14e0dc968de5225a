"""Extraction of one table for one window into one committed batch."""

import hashlib
import tempfile
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from wardlake.bronze import landing, postgres
from wardlake.bronze.manifest import (
    BronzeColumn,
    BronzeFile,
    Manifest,
    TakenFile,
    batch_id_of,
    batch_prefix,
    commit,
    read_manifest,
)
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.version import code_version
from wardlake.warehouse.connection import connect, translate
from wardlake.window import Window

PART_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class Extraction:
    """A committed batch; `is_new` is False if it was there before this call."""

    manifest: Manifest
    is_new: bool


def extract_table(
    settings: Settings, source: Source, table: str, window: Window, connection_uri: str | None = None
) -> Extraction:
    """Extract a table for a window, or return the batch that is committed for it already.

    Safe to repeat, to kill and to run twice at once: parts of an unfinished attempt are never read, and the
    manifest's conditional put lets one attempt win.

    Raises:
        PermanentError: contract broken, table missing, no rights, disk full, rows lost on the way.
        PassingError: the source or the store did not answer.
    """
    lake = Lake(settings)
    bucket = settings.bucket("bronze")
    batch_id = batch_id_of(source.name, table, window)
    if done := read_manifest(lake, bucket, source.name, table, batch_id):
        return Extraction(done, is_new=False)

    place = f"{source.name}.{table}, batch {batch_id}"
    extracted_at = datetime.now(UTC)
    settings.temp_dir.mkdir(parents=True, exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(dir=settings.temp_dir, prefix="extract-") as folder,
            connect(settings) as engine,
        ):
            work = Path(folder)
            relation = _open(settings, lake, source, table, batch_id, engine, work, connection_uri)
            _check_contract(source, table, relation.columns, place)
            _write_parts(engine, relation, work / "parts", batch_id, source.name, extracted_at)
            manifest = Manifest(
                source=source.name,
                table=table,
                mode=source.tables[table].mode,
                batch_id=batch_id,
                window_start=window.start,
                window_end=window.end,
                source_rows=relation.source_rows,
                lake_rows=_rows_written(engine, work / "parts"),
                columns=relation.columns,
                files=_upload_parts(engine, lake, bucket, work / "parts", batch_prefix(source.name, table, batch_id)),
                taken=relation.taken,
                extracted_at=extracted_at,
                code_version=code_version(),
            )
    except duckdb.Error as error:
        raise translate(error, place) from error
    except OSError as error:
        raise PermanentError(
            f"{place}: {error.strerror or error}.", remedy=f"Free room in or give rights on {settings.temp_dir}."
        ) from error
    if commit(lake, bucket, manifest):
        return Extraction(manifest, is_new=True)
    winner = read_manifest(lake, bucket, source.name, table, batch_id)
    assert winner is not None, "the conditional put said that the manifest exists"  # noqa: S101
    return Extraction(winner, is_new=False)


@dataclass(frozen=True)
class Relation:
    """Rows ready to be copied: a DuckDB query, its columns, and the number of rows that the source itself counts."""

    query: str
    order_by: str
    columns: list[BronzeColumn]
    source_rows: int
    taken: list[TakenFile]


def _open(
    settings: Settings,
    lake: Lake,
    source: Source,
    table: str,
    batch_id: str,
    engine: duckdb.DuckDBPyConnection,
    work: Path,
    connection_uri: str | None,
) -> Relation:
    spec = source.tables[table]
    if source.connection.kind == "postgres":
        uri = connection_uri or settings.connection_uri(source.connection.conn_id)
        query, rows = postgres.open_relation(engine, source, table, uri)
        taken: list[TakenFile] = []
        order_by = ", ".join(f'"{key}"' for key in spec.keys)
    else:
        query, taken = landing.open_files(settings, lake, source, table, batch_id, engine, work)
        rows = sum(file.rows for file in taken)
        order_by = '"_file", "_line"'
    described = engine.execute(f"DESCRIBE {query}").fetchall()
    columns = [BronzeColumn(name=name, type=type_) for name, type_, *_ in described]
    return Relation(query, order_by, columns, rows, taken)


def _check_contract(source: Source, table: str, columns: list[BronzeColumn], place: str) -> None:
    expected = {name: column.type.upper() for name, column in source.tables[table].columns.items()}
    found = {column.name: column.type for column in columns if column.name not in ("_file", "_line")}
    problems = [f"column '{name}' is missing" for name in expected if name not in found]
    problems += [f"column '{name}' is new and has no PII class" for name in found if name not in expected]
    problems += [
        f"column '{name}' is {found[name]}, the contract says {type_}"
        for name, type_ in expected.items()
        if name in found and found[name] != type_
    ]
    if problems:
        raise PermanentError(
            f"{place}: the source breaks its contract: {'; '.join(problems)}.",
            remedy=f"Agree on the change with the owner of the system, then correct dags/sources/{source.name}.yaml.",
        )


def _write_parts(
    engine: duckdb.DuckDBPyConnection,
    relation: Relation,
    folder: Path,
    batch_id: str,
    source: str,
    extracted_at: datetime,
) -> None:
    engine.execute(
        f"""
        COPY (
            SELECT
                row_number() OVER (ORDER BY {relation.order_by}) AS _row_id,
                *,
                '{batch_id}' AS _batch_id,
                '{source}' AS _source,
                TIMESTAMPTZ '{extracted_at.isoformat()}' AS _extracted_at
            FROM ({relation.query})
            ORDER BY _row_id
        ) TO '{folder}' (FORMAT parquet, COMPRESSION zstd, FILE_SIZE_BYTES {PART_BYTES})
        """
    )


def _rows_written(engine: duckdb.DuckDBPyConnection, folder: Path) -> int:
    counted = engine.execute(f"SELECT coalesce(sum(num_rows), 0) FROM parquet_file_metadata('{folder}/*.parquet')")
    return int(counted.fetchall()[0][0])


def _upload_parts(
    engine: duckdb.DuckDBPyConnection, lake: Lake, bucket: str, folder: Path, prefix: str
) -> list[BronzeFile]:
    attempt = uuid.uuid4().hex[:8]
    files = []
    for number, path in enumerate(sorted(folder.glob("*.parquet"), key=lambda path: (len(path.name), path.name))):
        key = f"{prefix}part-{attempt}-{number:05d}.parquet"
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        rows = engine.execute(f"SELECT num_rows FROM parquet_file_metadata('{path}')").fetchall()[0][0]
        lake.upload(path, bucket, key)
        files.append(BronzeFile(key=key, sha256=digest, bytes=path.stat().st_size, rows=rows))
    return files
