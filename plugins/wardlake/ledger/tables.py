"""The ledger as tables `quality.*` of DuckDB: read once from the chain, then only what has come since.

The chain is the truth; the tables can be thrown away at any time.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.ledger.chain import Entry, Link, links
from wardlake.ledger.entries import Decision, JudgedBatch, Judgement, ReportedRun, SignOff
from wardlake.settings import Settings

SCHEMA = "quality"
ENTRY = {"sequence": "BIGINT", "entry_at": "TIMESTAMPTZ"}
BATCH = {
    "dag_run": "VARCHAR",
    "source": "VARCHAR",
    "table_name": "VARCHAR",
    "batch_id": "VARCHAR",
    "suite_version": "VARCHAR",
    "replay": "BIGINT",
    "judged_at": "TIMESTAMPTZ",
}
TABLES: dict[str, dict[str, str]] = {
    "entries": {"sequence": "BIGINT", "sha256": "VARCHAR"},
    "runs": {
        **ENTRY,
        "run_id": "VARCHAR",
        "dag_run": "VARCHAR",
        "status": "VARCHAR",
        "headline": "VARCHAR",
        "source_rows": "BIGINT",
        "bronze_rows": "BIGINT",
        "quarantined_rows": "BIGINT",
        "accepted_rows": "BIGINT",
        "report_key": "VARCHAR",
        "report_sha256": "VARCHAR",
        "code_version": "VARCHAR",
    },
    "run_batches": {
        **ENTRY,
        "run_id": "VARCHAR",
        "source": "VARCHAR",
        "table_name": "VARCHAR",
        "batch_id": "VARCHAR",
        "suite_version": "VARCHAR",
    },
    "results": {
        **ENTRY,
        **BATCH,
        "is_of_moment": "BOOLEAN",
        "rule_id": "VARCHAR",
        "dimension": "VARCHAR",
        "severity": "VARCHAR",
        "action": "VARCHAR",
        "status": "VARCHAR",
        "evaluated": "BIGINT",
        "unexpected": "BIGINT",
        "threshold_pct": "DOUBLE",
        "message": "VARCHAR",
    },
    "verdict_counts": {
        **ENTRY,
        **BATCH,
        "status": "VARCHAR",
        "rows": "BIGINT",
        "quarantined_rows": "BIGINT",
        "passed_rules": "BIGINT",
        "failed_rules": "BIGINT",
        "not_applicable_rules": "BIGINT",
        "error_rules": "BIGINT",
        "manifest_sha256": "VARCHAR",
        "suite_sha256": "VARCHAR",
        "verdict_sha256": "VARCHAR",
        "rows_sha256": "VARCHAR",
        "code_version": "VARCHAR",
    },
    "signoffs": {
        **ENTRY,
        "run_id": "VARCHAR",
        "report_sha256": "VARCHAR",
        "decision": "VARCHAR",
        "signed_by": "VARCHAR",
        "remark": "VARCHAR",
    },
    "decisions": {
        **ENTRY,
        "action": "VARCHAR",
        "source": "VARCHAR",
        "table_name": "VARCHAR",
        "batch_id": "VARCHAR",
        "rule_id": "VARCHAR",
        "rows": "BIGINT",
        "decided_by": "VARCHAR",
        "reason": "VARCHAR",
        "rows_key": "VARCHAR",
        "rows_sha256": "VARCHAR",
    },
}
"""Type by name of each table's columns. `entry_at` is when the entry was written; all times are UTC."""

Rows = dict[str, list[dict[str, Any]]]


@contextmanager
def open_ledger(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables up to the newest entry, below the home; one process at a time.

    Raises:
        PermanentError: an entry of the chain cannot be read.
        PassingError: the store did not answer.
    """
    path = settings.home / "ledger.duckdb"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")), duckdb.connect(path) as connection:
        refresh(settings, Lake(settings), connection)
        yield connection


def differing_tables(settings: Settings) -> list[str]:
    """Names of the tables below the home that are not what the chain says; none if nobody has opened them yet."""
    if not (settings.home / "ledger.duckdb").exists():
        return []
    with open_ledger(settings) as connection:
        connection.execute("ATTACH ':memory:' AS told; USE told")
        refresh(settings, Lake(settings), connection)
        return [name for name in TABLES if _differ(connection, f"ledger.{SCHEMA}.{name}", f"told.{SCHEMA}.{name}")]


def _differ(connection: duckdb.DuckDBPyConnection, one: str, other: str) -> bool:
    query = f"SELECT EXISTS (FROM {one} EXCEPT ALL FROM {other}) OR EXISTS (FROM {other} EXCEPT ALL FROM {one})"
    return bool(connection.execute(query).fetchall()[0][0])


def refresh(settings: Settings, lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables in the schema `quality` of a database, or add to them what the chain has grown by.

    Raises:
        PermanentError: an entry of the chain cannot be read.
        PassingError: the store did not answer.
    """
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}; SET TimeZone = 'UTC'")
    if _is_of_another_version(connection):
        connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    for name, columns in TABLES.items():
        listed = ", ".join(f"{column} {type_}" for column, type_ in columns.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS {SCHEMA}.{name} ({listed})")
    (after,) = connection.execute(f"SELECT coalesce(max(sequence), 0) FROM {SCHEMA}.entries").fetchall()[0]
    settings.temp_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.temp_dir, prefix="ledger-") as folder:
        files = {name: (Path(folder) / f"{name}.json").open("w", encoding="utf-8") for name in TABLES}
        for link in links(settings, lake, after):
            rows = _rows(_entry(link))
            rows["entries"] = [{"sequence": link.sequence, "sha256": link.sha256}]
            for name, own in rows.items():
                files[name].writelines(json.dumps(row) + "\n" for row in own)
        for file in files.values():
            file.close()
        connection.execute("BEGIN")
        for name, file in files.items():
            if not Path(file.name).stat().st_size:
                continue
            columns = TABLES[name]
            read = f"read_json('{file.name}', format = 'newline_delimited', columns = {columns})"
            connection.execute(f"INSERT INTO {SCHEMA}.{name} SELECT {', '.join(columns)} FROM {read}")
        connection.execute("COMMIT")


def _is_of_another_version(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether tables are there that have other columns than these."""
    found = connection.execute(
        "SELECT table_name, list(column_name) FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name = ? GROUP BY 1",
        [SCHEMA],
    ).fetchall()
    return any(set(columns) != set(TABLES[name]) for name, columns in found if name in TABLES)


def _entry(link: Link) -> Entry:
    try:
        return link.entry
    except ValueError:  # its text may hold anything
        raise PermanentError(
            f"Entry {link.sequence} of the quality ledger is gone or no entry.",
            remedy="'wardlake quality verify' tells what was altered; restore the object from the bucket's versions.",
        ) from None


def _rows(entry: Entry) -> Rows:
    """The rows that an entry gives to each table."""
    content = entry.content
    common = {"sequence": entry.sequence, "entry_at": entry.at.isoformat()}
    if isinstance(content, Judgement):
        rows: Rows = {"results": [], "verdict_counts": []}
        for batch in content.batches:
            named = {**common, "dag_run": content.dag_run, **_batch(batch)}
            rows["results"] += _results(batch, named, is_of_moment=False)
            rows["verdict_counts"].append(named | _counts(batch))
        for batch in content.now:
            named = {**common, "dag_run": content.dag_run, **_batch(batch)}
            rows["results"] += _results(batch, named, is_of_moment=True)
        return rows
    own = {**common, "code_version": entry.code_version, **content.model_dump(mode="json")}
    if isinstance(content, ReportedRun):
        names = ("source", "table_name", "batch_id", "suite_version")
        batches = [
            {**common, "run_id": content.run_id, **dict(zip(names, batch, strict=True))} for batch in content.batches
        ]
        return {"runs": [own], "run_batches": batches}
    if isinstance(content, SignOff):
        return {"signoffs": [own]}
    assert isinstance(content, Decision), "there are four kinds"  # noqa: S101
    return {"decisions": [{**own, "table_name": content.table}]}


def _batch(batch: JudgedBatch) -> dict[str, Any]:
    told = batch.model_dump(mode="json", exclude={"rules"})
    return {**told, "table_name": batch.table}


def _results(batch: JudgedBatch, named: dict[str, Any], *, is_of_moment: bool) -> list[dict[str, Any]]:
    return [{**named, "is_of_moment": is_of_moment, **rule.model_dump(mode="json")} for rule in batch.rules]


def _counts(batch: JudgedBatch) -> dict[str, int]:
    statuses = [rule.status for rule in batch.rules]
    return {f"{status}_rules": statuses.count(status) for status in ("passed", "failed", "not_applicable", "error")}
