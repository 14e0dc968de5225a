"""Reading a past window again: staged as a batch of its own, compared with what is there, then swapped in at once."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from wardlake.bronze.claims import release
from wardlake.bronze.current import counting, current_query
from wardlake.bronze.extract import Extraction, commit_batch, extraction_engine, write_batch
from wardlake.bronze.manifest import Comparison, Manifest, batch_id_of, batches, read_manifest
from wardlake.bronze.readers import open_session
from wardlake.bronze.reading import EVERYTHING, Reading, reading_of
from wardlake.bronze.relation import Opening, Request
from wardlake.bronze.turns import turn
from wardlake.bronze.work import work_folder
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.sql import as_name
from wardlake.warehouse.connection import translate
from wardlake.window import Window


@dataclass(frozen=True)
class Backfill:
    """What is to be read again: a window, or everything (`window` is then None), under a name that makes it one thing.

    The same name and window is the same batch: a retry finds what the first attempt committed.
    """

    name: str
    window: Window | None = None


def backfill_table(
    settings: Settings,
    source: Source,
    table: str,
    backfill: Backfill,
    connection_uri: str | None = None,
    *,
    is_rehearsal: bool = False,
) -> Extraction:
    """Read a window of a table again and let it stand in place of the batches that were made for it.

    The new batch supersedes every batch whose window lies inside, and reads as far back as they did, so that no row is
    lost that only they had. Readers see the old rows until the manifest is written, and the new ones from then on. The
    manifest says how many rows came, went and changed by it. A rehearsal compares and commits nothing.

    Raises:
        PermanentError: the table is a snapshot, which has no past; or as `extract_table`.
        PassingError: the source or the store did not answer.
    """
    lake, bucket = Lake(settings), settings.bucket("bronze")
    spec = source.tables[table]
    if spec.mode == "snapshot":
        raise PermanentError(
            f"{source.name}.{table} is a snapshot: the source shows what is now, its past cannot be read again.",
            remedy="Leave it out of the backfill; extract it to take its present state.",
        )
    with turn(settings, source), ExitStack() as stack:
        committed = batches(settings, lake, source.name, table)
        window = backfill.window or _of_all(committed)
        batch_id = batch_id_of(source.name, table, window, backfill.name)
        if done := read_manifest(lake, bucket, source.name, table, batch_id):
            return Extraction(done, is_new=False)
        place = f"{source.name}.{table}, batch {batch_id}"
        standing = counting(spec, committed)
        replaced = _replaced(standing, backfill.window)
        engine = stack.enter_context(extraction_engine(settings))
        work = stack.enter_context(work_folder(settings, "backfill"))
        request = Request(
            table,
            batch_id,
            window,
            work,
            _reading(source, table, backfill.window, replaced, committed),
            replaces=frozenset(manifest.batch_id for manifest in replaced),
        )
        began_at = datetime.now(UTC)
        session = stack.enter_context(open_session(Opening(settings, lake, source, connection_uri, engine)))
        moment = session.moment or began_at
        manifest = write_batch(settings, lake, source, session, request, engine, moment, committed)
        # the session may hold the engine's transaction: compare on an engine of our own
        with extraction_engine(settings, settings.threads) as comparing:
            try:
                comparison = _compare(settings, source, table, comparing, standing, manifest)
            except duckdb.Error as error:
                raise translate(error, place) from None  # its text may hold values
        manifest = manifest.model_copy(update={"comparison": comparison})
        if is_rehearsal:
            for file in (*manifest.files, *(manifest.keys or [])):
                lake.delete(bucket, file.key)
            release(lake, bucket, [file.claim for file in manifest.taken if file.claim], batch_id)
            return Extraction(manifest, is_new=False)
        return commit_batch(lake, bucket, manifest)


def _of_all(committed: Sequence[Manifest]) -> Window:
    """From the first window to the end of the last one; today if there is none."""
    if not committed:
        return Window.today()
    return Window(min(one.window_start for one in committed), max(one.window_end for one in committed))


def _replaced(standing: Sequence[Manifest], window: Window | None) -> list[Manifest]:
    """The batches that the backfill stands in for.

    A batch that read the table from its start holds more than its window, and stays; the rows that are read again are
    younger than its own.
    """
    if window is None:
        return list(standing)
    return [
        manifest
        for manifest in standing
        if window.start <= manifest.window_start
        and manifest.window_end <= window.end
        and (manifest.mode == "append" or manifest.read_from is not None)
    ]


def _reading(
    source: Source, table: str, window: Window | None, replaced: Sequence[Manifest], committed: Sequence[Manifest]
) -> Reading:
    spec = source.tables[table]
    if window is None or spec.cursor is None:
        return EVERYTHING
    start = min([window.start, *(manifest.read_from for manifest in replaced if manifest.read_from is not None)])
    # a server cannot be asked for two intervals at once, so it is asked for all from the window on
    end = max(window.end, datetime.now(UTC)) if spec.search or spec.request else window.end
    return reading_of(source, table, Window(start, end), committed, exactly=True)


def _compare(
    settings: Settings,
    source: Source,
    table: str,
    engine: duckdb.DuckDBPyConnection,
    standing: Sequence[Manifest],
    manifest: Manifest,
) -> Comparison:
    """Keys of the table whose rows come, go, change and stay, if `manifest` is committed."""
    spec = source.tables[table]
    after = counting(spec, [*standing, manifest])
    keys = ", ".join(map(as_name, spec.keys))
    values = ", ".join(map(as_name, spec.columns))

    def digest(manifests: Sequence[Manifest]) -> str:
        rows = current_query(settings, spec, manifests)
        return f"SELECT hash({keys}) AS key, sum(hash({values})::HUGEINT) AS rows FROM ({rows}) GROUP BY key"

    counts = engine.execute(
        f"""
        SELECT
            count(*) FILTER (WHERE old.key IS NULL),
            count(*) FILTER (WHERE new.key IS NULL),
            count(*) FILTER (WHERE old.rows <> new.rows),
            count(*) FILTER (WHERE old.rows = new.rows)
        FROM ({digest(standing)}) AS old FULL JOIN ({digest(after)}) AS new ON old.key = new.key
        """
    ).fetchall()[0]
    return Comparison(added=counts[0], gone=counts[1], changed=counts[2], same=counts[3])
