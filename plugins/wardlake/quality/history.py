"""What the ledger knows of a table's last batches: the measure by which a report says whether today is as usual."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from statistics import median
from typing import Any

import duckdb

LAST = 30
"""Batches of a table against which a report compares."""

# The joined sequences let DuckDB skip all that is older than the batches asked for: it does not read the years.
QUERY = f"""
    WITH asked AS (SELECT unnest(?) AS source, unnest(?) AS table_name),
    judged AS (
        FROM quality.verdict_counts SEMI JOIN asked USING (source, table_name)
        QUALIFY row_number() OVER (PARTITION BY source, table_name, batch_id ORDER BY sequence DESC) = 1
    ),
    latest AS (
        FROM judged QUALIFY row_number() OVER (PARTITION BY source, table_name ORDER BY batch_id DESC) <= {LAST}
    ),
    shares AS (
        SELECT result.source, result.table_name, result.batch_id, list(rule_id) AS rules,
            list(CASE WHEN evaluated > 0 THEN 100.0 * unexpected / evaluated END) AS shares
        FROM quality.results AS result JOIN latest USING (sequence, source, table_name, batch_id)
        WHERE NOT is_of_moment
        GROUP BY ALL
    )
    SELECT source, table_name, batch_id, judged_at, latest.status, rows, quarantined_rows, failed_rules,
        manifest_sha256, suite_sha256, verdict_sha256, rows_sha256, coalesce(rules, []), coalesce(shares, [])
    FROM latest LEFT JOIN shares USING (source, table_name, batch_id)
    ORDER BY source, table_name, batch_id
"""


@dataclass(frozen=True)
class PastBatch:
    """A batch as the ledger has it, judged last by whichever suite; `shares` are percentages of broken rows by rule."""

    batch_id: str
    judged_at: datetime
    status: str
    rows: int
    quarantined_rows: int
    failed_rules: int
    manifest_sha256: str | None
    suite_sha256: str
    verdict_sha256: str | None
    rows_sha256: str | None
    shares: dict[str, float | None]

    @property
    def quarantined_pct(self) -> float:
        """Share of its rows in quarantine."""
        return 100 * self.quarantined_rows / self.rows if self.rows else 0.0


_FACTS = tuple(field.name for field in fields(PastBatch) if field.name != "shares")

History = dict[tuple[str, str], list[PastBatch]]
"""By source and table the last batches, the oldest first."""


def read_history(ledger: duckdb.DuckDBPyConnection, tables: Collection[tuple[str, str]]) -> History:
    """The last batches of these tables, in one query for all of them."""
    asked = [[source for source, _ in tables], [table for _, table in tables]]
    history: History = {name: [] for name in tables}
    found: list[tuple[Any, ...]] = ledger.execute(QUERY, asked).fetchall() if tables else []
    for source, table, *facts, rules, shares in found:
        by_rule = dict(zip(rules, shares, strict=True))
        history[source, table].append(PastBatch(**dict(zip(_FACTS, facts, strict=True)), shares=by_rule))
    return history


def batches_new_to_reports(
    ledger: duckdb.DuckDBPyConnection, batches: Collection[tuple[str, str, str]]
) -> set[tuple[str, str, str]]:
    """Those of the batches (source, table, batch id) of which no report has told yet."""
    if not batches:
        return set()
    columns = [list(column) for column in zip(*batches, strict=True)]
    query = """
        SELECT DISTINCT source, table_name, batch_id
        FROM quality.run_batches
        SEMI JOIN (SELECT unnest(?) AS source, unnest(?) AS table_name, unnest(?) AS batch_id)
        USING (source, table_name, batch_id)
    """
    return set(batches) - set(ledger.execute(query, columns).fetchall())


def usual_pct(past: Sequence[PastBatch], rule_id: str) -> float | None:
    """The middle share of broken rows among the batches before the newest one; None if there was none to judge."""
    shares = [share for batch in past[:-1] if (share := batch.shares.get(rule_id)) is not None]
    return median(shares) if shares else None
