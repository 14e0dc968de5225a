"""Extraction of the tables of a source for one window, each into one committed batch."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from wardlake.bronze.claims import confirm
from wardlake.bronze.contract import UNLIKE, Agreement, agree
from wardlake.bronze.manifest import Manifest, batch_id_of, batch_prefix, batches, commit, read_manifest
from wardlake.bronze.parts import Lineage, PartWriter, Rows, Written, exact
from wardlake.bronze.readers import open_session
from wardlake.bronze.reading import EVERYTHING, TICK, cursor_type, is_time, reading_of
from wardlake.bronze.relation import Opening, Relation, Request, Session, SourceFacts
from wardlake.bronze.turns import turn
from wardlake.bronze.unchanged import earliest_alike
from wardlake.bronze.work import work_folder
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source, Table
from wardlake.sql import as_name
from wardlake.version import code_version
from wardlake.warehouse.connection import connect, translate
from wardlake.window import Window

Progress = Callable[[str, int, int], None]
"""Called with the table that has ended, how many have ended, and how many there are."""


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
    ended = extract_tables(settings, source, [table], window, connection_uri)[table]
    if isinstance(ended, WardlakeError):
        raise ended
    return ended


def extract_tables(
    settings: Settings,
    source: Source,
    tables: Sequence[str],
    window: Window,
    connection_uri: str | None = None,
    progress: Progress = lambda *_: None,
) -> dict[str, Extraction | WardlakeError]:
    """Extract tables of a source in one look, so that they show one moment where the source can do that.

    Batches are committed when all tables were read. A table that fails does not stop the others: its error is returned
    in its place.

    Raises:
        PermanentError, PassingError: the source as a whole cannot be read now.
    """
    lake, bucket = Lake(settings), settings.bucket("bronze")
    ids = {table: batch_id_of(source.name, table, window) for table in tables}
    ended: dict[str, Extraction | WardlakeError] = {}

    def find_committed() -> list[str]:
        for table, batch_id in ids.items():
            if table not in ended and (done := read_manifest(lake, bucket, source.name, table, batch_id)):
                ended[table] = Extraction(done, is_new=False)
                progress(table, len(ended), len(ids))
        return [table for table in ids if table not in ended]

    if not find_committed():
        return ended
    with turn(settings, source), ExitStack() as stack:
        wanted = find_committed()
        if not wanted:
            return ended
        engine = stack.enter_context(extraction_engine(settings))
        work = stack.enter_context(work_folder(settings, "extract"))
        committed = {table: batches(settings, lake, source.name, table) for table in wanted}
        began_at = datetime.now(UTC)
        session = stack.enter_context(open_session(Opening(settings, lake, source, connection_uri, engine)))
        moment = session.moment or began_at
        written: list[Manifest] = []
        for table in wanted:
            before = committed[table]
            request = Request(table, ids[table], window, work / table, reading_of(source, table, window, before))
            request.work.mkdir()
            try:
                written.append(write_batch(settings, lake, source, session, request, engine, moment, before))
            except WardlakeError as error:
                ended[table] = error
                progress(table, len(ended) + len(written), len(ids))
        for manifest in written:
            try:
                alike = earliest_alike(settings, source, committed[manifest.table], manifest)
                ended[manifest.table] = commit_batch(lake, bucket, manifest.model_copy(update={"same_as": alike}))
            except WardlakeError as error:
                ended[manifest.table] = error
            progress(manifest.table, len(ended), len(ids))
    return ended


def commit_batch(lake: Lake, bucket: str, manifest: Manifest) -> Extraction:
    """Commit a batch, or return the one that another attempt has committed first.

    Raises:
        PassingError: another batch has taken a file of this one meanwhile, or another attempt is committing it.
        PermanentError: source and lake disagree on the number of rows.
    """
    confirm(lake, bucket, manifest)
    if commit(lake, bucket, manifest):
        return Extraction(manifest, is_new=True)
    winner = read_manifest(lake, bucket, manifest.source, manifest.table, manifest.batch_id)
    if winner is None:  # a store may refuse the later of two puts before the earlier one has ended
        raise PassingError(
            f"{manifest.source}.{manifest.table}, batch {manifest.batch_id}: another attempt is committing it now.",
            remedy="Run again: it will find the batch.",
        )
    return Extraction(winner, is_new=False)


def write_batch(
    settings: Settings,
    lake: Lake,
    source: Source,
    session: Session,
    request: Request,
    engine: duckdb.DuckDBPyConnection,
    moment: datetime,
    committed: Sequence[Manifest],
) -> Manifest:
    """Write the parts of a batch and return the manifest that commits it.

    `moment` is when the source was looked at, by its own clock if it has one; `committed` are the batches from before.

    Raises:
        PermanentError: contract broken, table missing, no rights, disk full, rows lost on the way.
        PassingError: the source or the store did not answer.
    """
    table, spec = request.table, source.tables[request.table]
    place = f"{source.name}.{table}, batch {request.batch_id}"
    # younger than what was read before, whatever the clocks say
    extracted_at = max([moment, *(manifest.extracted_at + TICK for manifest in committed)])
    relation: Relation | None = None
    try:
        relation = session.read(request)
        copy = _copy(settings, lake, source, session, relation, request, engine, extracted_at)
        if copy is None and relation.without_broken:
            relation = relation.without_broken()
            shutil.rmtree(request.work / "parts")
            copy = _copy(settings, lake, source, session, relation, request, engine, extracted_at)
        assert copy is not None, "only rows that can be read without the broken files are None"  # noqa: S101
    except duckdb.Error as error:
        if UNLIKE in str(error):
            told = str(error).split(UNLIKE, 1)[1].strip()
            raise PermanentError(
                f"{place}: the source breaks its contract: {told}.",
                remedy=f"Agree on it with the owner of the system, then correct dags/sources/{source.name}.yaml.",
            ) from None
        raise _explain(error, relation, place) from None  # its text may hold values
    except OSError as error:
        raise PermanentError(
            f"{place}: {error.strerror or error}.", remedy=f"Free room in or give rights on {settings.temp_dir}."
        ) from error
    return Manifest(
        source=source.name,
        table=table,
        mode=spec.mode,
        batch_id=request.batch_id,
        window_start=request.window.start,
        window_end=request.window.end,
        read_from=request.reading.start,
        # what changes between now and the end of a window that has not ended is for the next batch
        read_until=request.reading.end and min(request.reading.end, moment),
        cursor_max=copy.written.cursor_max,
        snapshot=session.snapshot,
        arrived=relation.arrived,
        source_rows=copy.facts.rows,
        lake_rows=copy.written.rows,
        checksum=_reconciled(relation, copy.facts, copy.written, place),
        columns=list(copy.agreement.columns),
        schema_changes=[*copy.agreement.changes, *relation.changes],
        files=copy.written.files,
        keys=copy.keys.files if copy.keys else None,
        taken=list(relation.taken),
        held=list(relation.held),
        refused=list(relation.refused),
        seen=relation.seen,
        left_out=dict(relation.left_out),
        supersedes=sorted(request.replaces),
        extracted_at=extracted_at,
        code_version=code_version(),
    )


@dataclass(frozen=True)
class _Copy:
    """The rows of a relation in the lake, and what the source says of them."""

    agreement: Agreement
    written: Written
    keys: Written | None
    facts: SourceFacts


def _copy(
    settings: Settings,
    lake: Lake,
    source: Source,
    session: Session,
    relation: Relation,
    request: Request,
    engine: duckdb.DuckDBPyConnection,
    extracted_at: datetime,
) -> _Copy | None:
    """Copy the rows; None if not all of them could be, and the relation can do without the broken files."""
    table, spec = request.table, source.tables[request.table]
    place = f"{source.name}.{table}, batch {request.batch_id}"
    agreement = agree(source, table, relation.columns, place)
    prefix = batch_prefix(source.name, table, request.batch_id)
    lineage = Lineage(request.batch_id, source.name, extracted_at)
    cursor = spec.cursor.column if spec.cursor else None
    numbered = cursor if cursor and not is_time(cursor_type(spec)) else None
    rows = Rows(
        relation.chunks,
        agreement.expressions,
        relation.order_by,
        relation.checks,
        numbered,
        relation.begin,
        relation.workers,
        relation.row_group_rows,
    )
    writer = PartWriter(engine, lake, settings.bucket("bronze"), prefix, request.work, lineage)
    try:
        written = writer.write(rows)
        keys = _write_keys(session, request, writer, spec, place) if spec.deletes == "compare_keys" else None
        facts = relation.facts()
    except duckdb.Error:
        if relation.without_broken:
            return None
        raise
    if relation.without_broken and facts.rows != written.rows:
        return None
    return _Copy(agreement, written, keys, facts)


def _write_keys(session: Session, request: Request, writer: PartWriter, spec: Table, place: str) -> Written:
    """Write all keys that the source has now, beside the rows of the batch, as the contract's types.

    Raises:
        PermanentError: not all of them arrived; rows would seem to be deleted.
    """
    all_keys = Request(
        request.table, request.batch_id, request.window, request.work / "keys", EVERYTHING, columns=tuple(spec.keys)
    )
    all_keys.work.mkdir()
    relation = session.read(all_keys)
    rows = Rows(
        relation.chunks,
        [f"CAST({as_name(key)} AS {spec.columns[key].type}) AS {as_name(key)}" for key in spec.keys],
        relation.order_by,
        begin=relation.begin,
        workers=relation.workers,
        row_group_rows=relation.row_group_rows,
    )
    written, found = writer.write(rows, name="keys"), relation.facts().rows
    if written.rows != found:
        raise PermanentError(
            f"{place}: the source has {found} keys, {written.rows} reached the lake. The batch was not committed.",
            remedy="Run again; if it stays so, look for rows that the source hides from this user.",
        )
    return written


def _explain(error: duckdb.Error, relation: Relation | None, place: str) -> WardlakeError:
    passing: WardlakeError | None = None
    if relation:
        try:
            relation.facts()  # the source itself may know why its rows cannot be read
        except PermanentError as told:
            return told
        except WardlakeError as told:
            passing = told
        if known := relation.explain(error):
            return known
    if isinstance(error, duckdb.OutOfMemoryException):
        return PermanentError(
            f"{place}: the rows are too wide for the memory that reading a source may take.",
            remedy="Raise WARDLAKE_EXTRACT_MEMORY_LIMIT.",
        )
    return passing or translate(error, place)


def _reconciled(relation: Relation, facts: SourceFacts, written: Written, place: str) -> str | None:
    """Digest of the figures on which source and lake agree, beside the row count; None if none were compared.

    Raises:
        PermanentError: names the figures that differ, and not the figures themselves, which may be a patient's value.
        PassingError: the source did not answer why they differ.
    """
    if facts.rows != written.rows or not relation.checks:
        return None  # the commit refuses different row counts
    differing = [name for name, figure in written.checks.items() if exact(facts.checks[name]) != figure]
    if differing:
        raise relation.explain_difference(differing) or PermanentError(
            f"{place}: source and lake disagree on {', '.join(differing)}. The batch was not committed.",
            remedy="Run again; if it stays so, a value was changed on the way: report it with the type of the column.",
        )
    return hashlib.sha256(json.dumps(written.checks, sort_keys=True).encode()).hexdigest()


def extraction_engine(settings: Settings, threads: int = 1) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the memory that reading a source may take.

    Workers read chunks side by side on threads of their own. The rows of a chunk come one after another: more threads
    of DuckDB would wait for them, and waiting takes a fifth of the processor's time.
    """
    settings.temp_dir.mkdir(parents=True, exist_ok=True)
    return connect(settings.model_copy(update={"memory_limit": settings.extract_memory_limit, "threads": threads}))
