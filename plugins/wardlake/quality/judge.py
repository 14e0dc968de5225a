"""Judging batches: the suite's rules on the batch's Parquet files, the verdict stored beside it, once."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime

import duckdb

from wardlake.bronze import Manifest, current_batches, current_query
from wardlake.lake import Lake
from wardlake.quality.batch import JUDGED, judge_again, judge_batch
from wardlake.quality.freshness import of_moment, with_freshness
from wardlake.quality.keeping import is_kept, keep_verdicts
from wardlake.quality.outcome import result_of
from wardlake.quality.suites import GOLD, Suite, gold_suites, suite_for
from wardlake.quality.verdicts import (
    Verdict,
    last_verdicts,
    status_of,
    verdict_key_of,
)
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.version import code_version
from wardlake.warehouse.connection import connect, translate

Progress = Callable[[str, int, int], None]
"""Called with the table that was judged, how many tables are done, and how many there are."""


def judge_source(
    settings: Settings,
    source: Source,
    *,
    dag_run: str | None = None,
    progress: Progress = lambda *_: None,
    again: Collection[str] = (),
) -> list[Verdict]:
    """Verdicts of all current batches of a source; a batch that its suite has judged already is not judged again.

    The batches whose ids `again` holds are judged by their rows in any case, beside the verdicts that they have.
    If only thresholds, actions or texts of a suite have changed, the rows are not read again.
    What was judged goes into the ledger, as asked for by `dag_run`.

    Rules see the judged batch as `{batch}`, the current rows of every table of the source under the table's name, and
    the files of a landing table as `<table>__files` (name, sha256, rows, byte_order_mark).
    The newest verdict of a table also says how late the table is now, where its YAML asks for that.
    A verdict with status `error` is returned and not stored, so that the next attempt judges again.

    Raises:
        SuiteError: a table has no usable suite.
        PassingError: the store did not answer.
        PermanentError: memory or disk do not suffice.
    """
    lake = Lake(settings)
    current = {table: current_batches(settings, lake, source, table) for table in source.tables}
    suites = {table: suite_for(settings, source, table) for table in source.tables}
    known = {
        batch_id: verdict
        for table, manifests in current.items()
        for batch_id, verdict in _known(settings, lake, manifests, suites[table]).items()
    }
    stored = {batch_id: verdict for batch_id, verdict in known.items() if batch_id not in again}
    replays = {batch_id: known[batch_id].replay + 1 if batch_id in known else 0 for batch_id in again}
    kept = {batch_id for batch_id, verdict in stored.items() if is_kept(settings, lake, verdict)}
    verdicts = _verdicts(settings, lake, source, current, suites, stored, replays, progress)
    told = with_freshness(settings, source, verdicts)
    now = [moment for moment in map(of_moment, verdicts, told) if moment]
    new = [verdict for verdict in verdicts if verdict.batch_id not in kept]
    keep_verdicts(settings, lake, suites, new, now=now, dag_run=dag_run)
    return told


def _known(settings: Settings, lake: Lake, manifests: list[Manifest], suite: Suite) -> dict[str, Verdict]:
    """By batch, the newest verdicts of the suite on batches of one table."""
    if not manifests:
        return {}
    wanted = {manifest.batch_id for manifest in manifests}
    source, table = manifests[0].source, manifests[0].table
    found = last_verdicts(lake, settings, source, table, suite.version, since=min(wanted))
    return {batch_id: found[batch_id] for batch_id in wanted & found.keys()}


def _verdicts(
    settings: Settings,
    lake: Lake,
    source: Source,
    current: dict[str, list[Manifest]],
    suites: dict[str, Suite],
    stored: dict[str, Verdict],
    replays: dict[str, int],
    progress: Progress,
) -> list[Verdict]:
    wanted = [manifest for manifests in current.values() for manifest in manifests]
    is_whole = {
        table: source.tables[table].mode == "snapshot" or len(manifests) == 1 for table, manifests in current.items()
    }
    done = dict(stored)
    for manifest in wanted:
        if manifest.batch_id not in done.keys() | replays.keys() and (
            again := judge_again(
                settings, lake, source, manifest, suites[manifest.table], is_whole=is_whole[manifest.table]
            )
        ):
            done[manifest.batch_id] = again
    if len(done) == len(wanted):
        return [done[manifest.batch_id] for manifest in wanted]
    verdicts = []
    try:
        with connect(settings) as connection:
            create_views(settings, connection, source, current)
            for number, (name, manifests) in enumerate(current.items(), start=1):
                verdicts += [
                    done.get(manifest.batch_id)
                    or judge_batch(
                        settings,
                        lake,
                        connection,
                        source,
                        manifest,
                        suites[name],
                        is_whole=is_whole[name],
                        replay=replays.get(manifest.batch_id, 0),
                    )
                    for manifest in manifests
                ]
                progress(name, number, len(current))
    except duckdb.Error as error:
        raise translate(error, f"The bronze batches of {source.name}") from None  # its text may hold values
    return verdicts


def judge_gold(settings: Settings, *, dag_run: str | None = None) -> list[Verdict]:
    """Verdicts on the gold tables of the warehouse, one for each suite in `expectations/gold/`.

    Rules see the judged table as `{batch}`, and all of gold and silver as `gold.<table>` and `silver.<table>`.
    Nothing is quarantined in gold: a rule warns, or halts and keeps the gate of publishing shut.

    Raises:
        SuiteError: a suite cannot be used.
        PermanentError: the warehouse holds no build, or cannot be read.
        PassingError: another process writes the warehouse.
    """
    from wardlake.warehouse.expose import current_build  # noqa: PLC0415  it imports this package

    lake, build, suites = Lake(settings), current_build(settings), gold_suites(settings)
    try:
        with connect(settings) as connection:
            connection.execute(f"ATTACH '{settings.warehouse_path}' AS built (READ_ONLY)")
            tables = _expose_built(connection)
            verdicts = [_judge_gold_table(connection, build.build_id, name, suites[name], tables) for name in suites]
    except duckdb.Error as error:
        raise translate(error, "The gold tables of the warehouse") from None  # its text may hold values
    for verdict in verdicts:
        lake.put_if_absent(
            settings.bucket("quality"), verdict_key_of(verdict), verdict.model_dump_json(indent=1).encode()
        )
    keep_verdicts(settings, lake, suites, verdicts, dag_run=dag_run)
    return verdicts


def create_views(
    settings: Settings, connection: duckdb.DuckDBPyConnection, source: Source, current: dict[str, list[Manifest]]
) -> None:
    """Let rules read the rows that each table of the source has now, and the files that hold them."""
    for table, manifests in current.items():
        if not manifests:
            continue
        connection.execute(f'CREATE VIEW "{table}" AS {current_query(settings, source.tables[table], manifests)}')
        if source.tables[table].files is not None:
            connection.execute(
                f'CREATE TABLE "{table}__files" (name VARCHAR, sha256 VARCHAR, rows BIGINT, byte_order_mark BOOLEAN)'
            )
            files = [file for manifest in manifests for file in manifest.taken]
            for file in files:
                values = [file.name, file.sha256, file.rows, file.byte_order_mark]
                connection.execute(f'INSERT INTO "{table}__files" VALUES (?, ?, ?, ?)', values)


def _expose_built(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Make `gold.<table>` and `silver.<table>` of the build readable; returns the names of the gold tables."""
    found = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() "
        "WHERE database_name = 'built' AND schema_name IN ('gold', 'silver')"
    ).fetchall()
    for schema, table in found:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        connection.execute(f'CREATE VIEW "{schema}"."{table}" AS FROM built."{schema}"."{table}"')
    return {table for schema, table in found if schema == GOLD}


def _judge_gold_table(
    connection: duckdb.DuckDBPyConnection, build_id: str, table: str, suite: Suite, tables: set[str]
) -> Verdict:
    from wardlake.quality.engine import evaluate  # noqa: PLC0415  Great Expectations takes seconds to import

    rows, results, message = 0, [], None
    if table in tables:
        connection.execute(f'CREATE OR REPLACE VIEW {JUDGED} AS FROM gold."{table}"')
        rows = connection.execute(f"SELECT count(*) FROM {JUDGED}").fetchall()[0][0]
        outcomes = evaluate(connection, JUDGED, suite.rules)
        results = [result_of(rule.meta, outcome) for rule, outcome in zip(suite.rules, outcomes, strict=True)]
    else:
        message = f"the build has no table gold.{table}"
    return Verdict(
        source=GOLD,
        table=table,
        batch_id=build_id,
        suite_version=suite.version,
        status="error" if message else status_of(results),
        rows=rows,
        quarantined_rows=0,
        rules=results,
        verdict_key=None,
        judged_at=datetime.now(UTC),
        code_version=code_version(),
        message=message,
    )
