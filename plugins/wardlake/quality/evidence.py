"""What a report adds to its verdicts: the last batches of each table, the rows by name, and what came of them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import duckdb

from wardlake.bronze.manifest import read_manifest
from wardlake.lake import Lake
from wardlake.ledger import open_ledger
from wardlake.quality.broken_rows import broken_rows
from wardlake.quality.history import batches_new_to_reports, read_history
from wardlake.quality.suites import GOLD
from wardlake.quality.summary import RunReport, TableReport
from wardlake.settings import Settings
from wardlake.warehouse.connection import connect, translate

FETCHED_AT_ONCE = 8


def with_evidence(settings: Settings, report: RunReport) -> RunReport:
    """The same report with history, rows, schema changes and the rows of silver and gold.

    Raises:
        PermanentError: an object of the lake or the ledger cannot be read.
        PassingError: the store did not answer.
    """
    told = [(table.source, table.table, verdict.batch_id) for table in report.bronze for verdict in table.verdicts]
    with open_ledger(settings) as ledger:
        history = read_history(ledger, [(table.source, table.table) for table in report.tables])
        new = batches_new_to_reports(ledger, told)
    rows = broken_rows(settings, report.tables)
    changes = _schema_changes(settings, sorted(new))
    tables = [
        replace(
            table,
            past=history[table.source, table.table],
            rules=[replace(rule, rows=rows.get(rule.result.rule_id)) for rule in table.rules],
            schema_changes=changes.get((table.source, table.table), []),
        )
        for table in report.tables
    ]
    return replace(report, tables=tables, built=_built_rows(settings, report.tables))


def _schema_changes(
    settings: Settings, batches: Sequence[tuple[str, str, str]]
) -> dict[tuple[str, str], list[tuple[str, list[str]]]]:
    """By table the batches whose columns were not those of the batch before, and what was different."""
    lake, bucket = Lake(settings), settings.bucket("bronze")
    changes: dict[tuple[str, str], list[tuple[str, list[str]]]] = {}
    with ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
        manifests = pool.map(lambda batch: read_manifest(lake, bucket, *batch), batches)
        for (source, table, batch_id), manifest in zip(batches, manifests, strict=True):
            if manifest and manifest.schema_changes:
                changes.setdefault((source, table), []).append((batch_id, manifest.schema_changes))
    return changes


def _built_rows(settings: Settings, tables: Sequence[TableReport]) -> list[tuple[str, str, int]]:
    """Rows of the tables in the warehouse, if gold was judged: only then it is this run's."""
    if not any(table.source == GOLD for table in tables) or not settings.warehouse_path.exists():
        return []
    try:
        with connect(settings) as connection:
            connection.execute(f"ATTACH '{settings.warehouse_path}' AS built (READ_ONLY)")
            names = connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'built' "
                "AND schema_name IN ('silver', 'gold') ORDER BY schema_name DESC, table_name"
            ).fetchall()
            # DuckDB knows the number of rows of a table of its own without reading it
            return [
                (schema, name, connection.execute(f'SELECT count(*) FROM built."{schema}"."{name}"').fetchall()[0][0])
                for schema, name in names
            ]
    except duckdb.Error as error:
        raise translate(error, "The tables of the warehouse") from None  # its text may hold values
