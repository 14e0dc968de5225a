"""The rows that break a rule, named so that somebody can find them at the source and so that nobody is betrayed.

A row is named by its `_row_id` and batch, by file and line where it came from a file, and by those of its business
keys that the source's YAML classes `pii: none`. No other value is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from wardlake.bronze import Manifest, rows_query
from wardlake.bronze.manifest import read_manifest
from wardlake.lake import Lake
from wardlake.quality.summary import NamedRow, NamedRows, RuleLine, TableReport
from wardlake.quality.verdicts import Verdict
from wardlake.settings import Settings
from wardlake.sources import load_sources
from wardlake.sources.tables import Table
from wardlake.sql import as_name
from wardlake.warehouse.connection import connect, translate

NAMED = 50
"""Rows of a rule that a report names; the command line has the others."""


@dataclass(frozen=True)
class _Row:
    rule_id: str
    batch_id: str
    row_id: int


def broken_rows(settings: Settings, tables: Sequence[TableReport]) -> dict[str, NamedRows]:
    """By rule the first rows that break it, of the newest batches; rules without such rows are left out.

    Raises:
        PermanentError: a list of rows of a verdict is gone.
        PassingError: the store did not answer.
    """
    asked = [(table, verdicts) for table in tables if (verdicts := _needed(table))]
    if not asked:
        return {}
    lake, sources = Lake(settings), load_sources(settings)
    named: dict[str, NamedRows] = {}
    with connect(settings) as connection:
        for table, verdicts in asked:
            try:
                rows = _first_rows(settings, connection, verdicts)
                source = sources.get(table.source)
                known = source.tables.get(table.table) if source else None
                columns, keys = _keys(settings, lake, connection, known, table, rows) if known else ([], {})
            except duckdb.Error as error:
                told = f"The rows that break rules of {table.source}.{table.table}"
                raise translate(error, told) from None  # its text may hold values
            for rule in _broken(table):
                own = [row for row in rows if row.rule_id == rule.result.rule_id][:NAMED]
                if own:
                    missing = (None,) * len(columns)
                    named[rule.result.rule_id] = NamedRows(
                        columns,
                        [
                            NamedRow(row.batch_id, row.row_id, keys.get((row.batch_id, row.row_id), missing))
                            for row in own
                        ],
                    )
    return named


def _broken(table: TableReport) -> list[RuleLine]:
    return [rule for rule in table.rules if rule.unexpected and rule.consequence not in ("passed", "not_applicable")]


def _needed(table: TableReport) -> list[Verdict]:
    """The newest verdicts in which enough rows of each broken rule are listed."""
    needed: list[Verdict] = []
    missing = {rule.result.rule_id: NAMED for rule in _broken(table)}
    for verdict in table.verdicts:
        counts = {
            rule.rule_id: rule.unexpected
            for rule in verdict.rules
            if rule.unexpected and missing.get(rule.rule_id, 0) > 0
        }
        if verdict.verdict_key and counts:
            needed.append(verdict)
            for rule_id, count in counts.items():
                missing[rule_id] -= count
    return needed


def _first_rows(settings: Settings, connection: duckdb.DuckDBPyConnection, verdicts: Sequence[Verdict]) -> list[_Row]:
    bucket = settings.bucket("quality")
    batches = {Lake.url(bucket, verdict.verdict_key): verdict.batch_id for verdict in verdicts if verdict.verdict_key}
    found = connection.execute(
        f"SELECT rule_id, filename, unnest(min(_row_id, {NAMED})) AS row_id FROM read_parquet(?, filename = true) "
        "GROUP BY rule_id, filename ORDER BY filename DESC, row_id",
        [list(batches)],
    ).fetchall()
    return [_Row(rule_id, batches[file], row_id) for rule_id, file, row_id in found]


def _keys(
    settings: Settings,
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    told: TableReport,
    rows: Sequence[_Row],
) -> tuple[list[str], dict[tuple[str, int], tuple[object, ...]]]:
    """Names of the columns that may be shown, and what they say of each row by batch and row id."""
    columns = [key for key in table.keys if table.columns[key].pii == "none"]
    columns += ["_file", "_line"] if table.files else []
    batches = {row.batch_id for row in rows}
    manifests = list(_readable(settings, lake, told, batches)) if columns else []
    if not manifests:
        return [], {}
    wanted = ", ".join(sorted({f"('{row.batch_id}', {row.row_id})" for row in rows}))
    shown = ", ".join(map(as_name, columns))
    found = connection.execute(
        f"SELECT _batch_id, _row_id, {shown} FROM ({rows_query(settings, table, manifests)}) "
        f"SEMI JOIN (VALUES {wanted}) AS wanted(_batch_id, _row_id) USING (_batch_id, _row_id)"
    ).fetchall()
    return columns, {(batch_id, row_id): tuple(values) for batch_id, row_id, *values in found}


def _readable(settings: Settings, lake: Lake, told: TableReport, batch_ids: set[str]) -> Iterator[Manifest]:
    """Manifests of the batches whose own files are still there; of compacted ones the row ids must do."""
    bucket = settings.bucket("bronze")
    for batch_id in sorted(batch_ids):
        manifest = read_manifest(lake, bucket, told.source, told.table, batch_id)
        if manifest and all(lake.exists(bucket, file.key) for file in manifest.files):
            yield manifest
