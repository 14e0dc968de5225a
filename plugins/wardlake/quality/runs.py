"""Reported runs as the ledger has them, with the sign-off that counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from wardlake.errors import PermanentError
from wardlake.ledger import open_ledger
from wardlake.settings import Settings
from wardlake.sources import active_sources

LATEST = 50
"""Runs that a list begins with; it does not grow with the years."""

# A sign-off of another report than the stored one counts for nothing; of the others the last one counts.
RUNS = """
    SELECT run_id, dag_run, status, headline, bronze_rows, quarantined_rows, report_sha256, run.entry_at,
        decision, signed_by, remark, sign.entry_at
    FROM quality.runs AS run
    LEFT JOIN (
        SELECT * FROM quality.signoffs QUALIFY row_number() OVER (
            PARTITION BY run_id, report_sha256 ORDER BY sequence DESC
        ) = 1
    ) AS sign USING (run_id, report_sha256)
"""


@dataclass(frozen=True)
class Signature:
    """Who decided on a run, how, and when (UTC)."""

    decision: str
    signed_by: str
    remark: str
    signed_at: datetime


@dataclass(frozen=True)
class Run:
    """A run that was reported; `signature` is the last one, None if nobody has signed."""

    run_id: str
    dag_run: str | None
    status: str
    headline: str
    bronze_rows: int
    quarantined_rows: int
    report_sha256: str
    reported_at: datetime
    signature: Signature | None


def latest_runs(settings: Settings, before: str | None = None) -> list[Run]:
    """The latest runs, newest first; with `before`, those that were reported before that one.

    Raises:
        PassingError: the store did not answer.
    """
    with open_ledger(settings) as ledger:
        return latest_of(ledger, before)


def latest_of(ledger: duckdb.DuckDBPyConnection, before: str | None = None) -> list[Run]:
    """The latest runs, from the open ledger."""
    found = ledger.execute(
        f"""
        {RUNS}
        WHERE $before IS NULL OR run.sequence < (SELECT min(sequence) FROM quality.runs WHERE run_id = $before)
        ORDER BY run.sequence DESC LIMIT {LATEST}
        """,
        {"before": before},
    ).fetchall()
    return [_run(row) for row in found]


def runs_of_month(ledger: duckdb.DuckDBPyConnection, month: str) -> list[Run]:
    """All runs that were reported in a month (`2026-03`, UTC), newest first, from the open ledger."""
    found = ledger.execute(
        f"{RUNS} WHERE strftime(run.entry_at, '%Y-%m') = ? ORDER BY run.sequence DESC", [month]
    ).fetchall()
    return [_run(row) for row in found]


def run_of(settings: Settings, run_id: str) -> Run:
    """A run by its id.

    Raises:
        PermanentError: the ledger has no such run.
        PassingError: the store did not answer.
    """
    with open_ledger(settings) as ledger:
        return read_run(ledger, run_id)


def read_run(ledger: duckdb.DuckDBPyConnection, run_id: str) -> Run:
    """A run by its id, from the open ledger.

    Raises:
        PermanentError: the ledger has no such run.
    """
    found = ledger.execute(f"{RUNS} WHERE run_id = ? ORDER BY run.sequence LIMIT 1", [run_id]).fetchall()
    if not found:
        raise PermanentError(
            f"The ledger has no run {run_id}.",
            remedy="Take the id from the report's heading or from the page 'Data quality'.",
        )
    return _run(found[0])


def run_told_by(settings: Settings, dag_run: str) -> str | None:
    """Id of the run whose report tells what a DAG run has judged: its own, else the first one with its batches.

    Raises:
        PassingError: the store did not answer.
    """
    with open_ledger(settings) as ledger:
        found = ledger.execute(
            """
            SELECT run_id FROM (
                SELECT run_id, 0 AS rank, -sequence AS place FROM quality.runs WHERE dag_run = $dag_run
                UNION ALL
                SELECT run_id, 1, told.sequence
                FROM quality.verdict_counts AS judged
                JOIN quality.run_batches AS told USING (source, table_name, batch_id, suite_version)
                WHERE judged.dag_run = $dag_run
            ) ORDER BY rank, place LIMIT 1
            """,
            {"dag_run": dag_run},
        ).fetchall()
    return str(found[0][0]) if found else None


def sources_to_sign(settings: Settings, names: set[str]) -> list[str]:
    """Those of the sources whose YAML says `signoff: required`."""
    return [source.name for source in active_sources(settings) if source.name in names and source.signoff == "required"]


def sources_of(settings: Settings, run_id: str) -> set[str]:
    """Names of the sources of which a run's report tells."""
    with open_ledger(settings) as ledger:
        found = ledger.execute("SELECT DISTINCT source FROM quality.run_batches WHERE run_id = ?", [run_id]).fetchall()
    return {str(source) for (source,) in found}


def _run(row: tuple[Any, ...]) -> Run:
    run_id, dag_run, status, headline, rows, quarantined, sha256, reported_at, *signature = row
    signed = Signature(*signature) if signature[0] else None
    return Run(run_id, dag_run, status, headline, rows, quarantined, sha256, reported_at, signed)
