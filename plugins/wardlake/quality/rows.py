"""The rows that break a rule, written by DuckDB as `_row_id, rule_id, action`: no value passes through Python."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from wardlake.quality.outcome import Outcome, failure
from wardlake.quality.suites import Rule


@dataclass(frozen=True)
class RowVerdicts:
    """Outcomes that agree with the rows that were written, and the number of rows in quarantine."""

    outcomes: list[Outcome]
    quarantined_rows: int


def write_rows(
    connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], outcomes: Sequence[Outcome], path: Path
) -> RowVerdicts:
    """Write the rows that break a rule to a Parquet file; no file if no rule names rows.

    A rule's threshold has no say: when it changes, the same rows are judged by the new one.

    A rule whose rows do not number what it counted becomes an error: its verdict would be incomplete.
    A query may return a row more than once; it counts once.

    Raises:
        duckdb.Error: the data could not be read, or memory or disk are short.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE _found (_row_id BIGINT NOT NULL, rule_number USMALLINT)")
    agreed = [_collect(connection, *one) for one in enumerate(zip(rules, outcomes, strict=True))]
    labels = ", ".join(f"({n}, '{rule.meta.rule_id}', '{rule.meta.action}')" for n, rule in enumerate(rules))
    labelled = f"_found JOIN (VALUES {labels}) AS label(rule_number, rule_id, action) USING (rule_number)"
    rows, quarantined = connection.execute(
        f"SELECT count(*), count(DISTINCT _row_id) FILTER (action = 'quarantine') FROM {labelled}"
    ).fetchall()[0]
    if rows:
        connection.execute(
            f"COPY (SELECT _row_id, rule_id, action FROM {labelled} ORDER BY _row_id, rule_id) TO '{path}' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
    connection.execute("DROP TABLE _found")
    return RowVerdicts(agreed, int(quarantined))


def _collect(connection: duckdb.DuckDBPyConnection, number: int, judged: tuple[Rule, Outcome]) -> Outcome:
    rule, outcome = judged
    if outcome.rows_query is None:
        if outcome.status == "failed" and rule.meta.action == "quarantine":
            message = "the rule names no rows that could be quarantined; select _row_id, or choose another action"
            return replace(outcome, status="error", message=message)
        return outcome
    distinct = "DISTINCT " if rule.is_query else ""
    try:
        rows = connection.execute(
            f"INSERT INTO _found SELECT {distinct}_row_id, {number} FROM ({outcome.rows_query})"
        ).fetchall()[0][0]
    except duckdb.Error as error:
        return failure(error)
    if rows != outcome.unexpected and not rule.is_query:
        message = f"{outcome.unexpected} rows break the rule and {rows} could be named"
        return replace(outcome, status="error", message=message)
    return replace(outcome, unexpected=rows)
