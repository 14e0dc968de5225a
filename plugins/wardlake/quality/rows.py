"""The rows that break a rule, written by DuckDB as `_row_id, rule_id, action`: no value passes through Python."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from wardlake.quality.suites import Rule

if TYPE_CHECKING:
    from wardlake.quality.engine import Outcome


@dataclass(frozen=True)
class RowVerdicts:
    """Outcomes that agree with the rows that were written, and the number of rows in quarantine."""

    outcomes: list["Outcome"]
    quarantined_rows: int


def write_rows(
    connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], outcomes: Sequence["Outcome"], path: Path
) -> RowVerdicts:
    """Write the rows of all failed rules to a Parquet file; no file if no rule names rows.

    A rule whose rows do not number what it counted becomes an error: its verdict would be incomplete.
    A query may return a row more than once; it counts once.
    """
    judged = [_must_name_rows(rule, outcome) for rule, outcome in zip(rules, outcomes, strict=True)]
    queries = [
        _row_query(rule, outcome.rows_query) for rule, outcome in zip(rules, judged, strict=True) if outcome.rows_query
    ]
    if not queries:
        return RowVerdicts(judged, 0)
    connection.execute(
        f"COPY ({' UNION ALL '.join(queries)} ORDER BY _row_id, rule_id) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
    )
    written = f"read_parquet('{path}')"
    counted = dict(connection.execute(f"SELECT rule_id, count(_row_id) FROM {written} GROUP BY ALL").fetchall())
    quarantined = connection.execute(
        f"SELECT count(DISTINCT _row_id) FROM {written} WHERE action = 'quarantine'"
    ).fetchall()[0][0]
    agreed = [_agree(rule, outcome, counted) for rule, outcome in zip(rules, judged, strict=True)]
    return RowVerdicts(agreed, int(quarantined))


def _row_query(rule: Rule, rows: str) -> str:
    distinct = "DISTINCT " if rule.is_query else ""
    labels = f"'{rule.meta.rule_id}' AS rule_id, '{rule.meta.action}' AS action"
    return f"SELECT {distinct}_row_id::BIGINT AS _row_id, {labels} FROM ({rows})"


def _must_name_rows(rule: Rule, outcome: "Outcome") -> "Outcome":
    if outcome.status == "failed" and rule.meta.action == "quarantine" and outcome.rows_query is None:
        message = "the rule names no rows that could be quarantined; select _row_id, or choose another action"
        return replace(outcome, status="error", message=message)
    return outcome


def _agree(rule: Rule, outcome: "Outcome", counted: dict[str, int]) -> "Outcome":
    if outcome.rows_query is None:
        return outcome
    rows = counted.get(rule.meta.rule_id, 0)
    if rule.is_query and rows:
        return replace(outcome, unexpected=rows)
    if rows != outcome.unexpected:
        message = f"{outcome.unexpected} rows break the rule and {rows} could be named"
        return replace(outcome, status="error", message=message)
    return outcome
