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
    _create_found(connection)
    agreed = [_collect(connection, *one) for one in enumerate(zip(rules, outcomes, strict=True))]
    return RowVerdicts(agreed, _write(connection, rules, path))


def relabel_rows(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    outcomes: Sequence[Outcome],
    stored: str | None,
    path: Path,
) -> int | None:
    """Write rows that were found before (`stored`, a Parquet file) with the actions that the rules have now.

    Returns the number of rows in quarantine; None if a rule quarantines now and its rows were not named then.
    """
    _create_found(connection)
    if stored:
        numbers = ", ".join(f"({n}, '{rule.meta.rule_id}')" for n, rule in enumerate(rules))
        connection.execute(
            f"INSERT INTO _found SELECT _row_id, rule_number FROM read_parquet('{stored}') "
            f"JOIN (VALUES {numbers}) AS numbered(rule_number, rule_id) USING (rule_id)"
        )
    named = dict(connection.execute("SELECT rule_number, count(*) FROM _found GROUP BY 1").fetchall())
    for number, (rule, outcome) in enumerate(zip(rules, outcomes, strict=True)):
        if rule.meta.action == "quarantine" and named.get(number, 0) != outcome.unexpected:
            return None
    return _write(connection, rules, path)


def _create_found(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE OR REPLACE TEMP TABLE _found (_row_id BIGINT NOT NULL, rule_number USMALLINT)")


def _write(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], path: Path) -> int:
    """Write the rows that were found; returns how many of them are in quarantine."""
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
    return int(quarantined)


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
