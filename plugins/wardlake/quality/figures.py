"""Figures of a batch's columns that later batches are compared with: shares, means, gaps; never a value of a person."""

from collections.abc import Iterable

import duckdb
from pydantic import BaseModel, ConfigDict

from wardlake.quality.meta import DriftRule
from wardlake.sql import as_name

LEAST_ROWS = 100
"""Of fewer rows shares and means jump by chance, and might tell of a single person."""
MOST_CODES = 50


class Figures(BaseModel):
    """Figures of a column. `shares` are of its filled rows, by code, of the most frequent codes.

    What no rule asks for, or what too few rows speak for, is None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    filled: int
    numbers: int = 0
    mean: float | None = None
    spread: float | None = None
    shares: dict[str, float] | None = None


def measure(connection: duckdb.DuckDBPyConnection, view: str, rules: Iterable[DriftRule]) -> dict[str, Figures]:
    """Figures of the columns that rules on drift look at, by column; two scans for each at most."""
    asked: dict[str, set[str]] = {}
    for rule in rules:
        asked.setdefault(rule.column, set()).add(rule.measure)
    return {column: _measure(connection, view, column, measures) for column, measures in asked.items()}


def _measure(connection: duckdb.DuckDBPyConnection, view: str, column: str, measures: set[str]) -> Figures:
    value = as_name(column)
    number = f"try_cast({value} AS DOUBLE)" if "mean" in measures else "NULL::DOUBLE"
    rows, filled, numbers, mean, spread = connection.execute(
        f"SELECT count(*), count({value}), count({number}), avg({number}), stddev_pop({number}) FROM {as_name(view)}"
    ).fetchall()[0]
    is_enough = numbers >= LEAST_ROWS
    shares = None
    if "shares" in measures and filled >= LEAST_ROWS:
        counted = connection.execute(
            f"SELECT CAST({value} AS VARCHAR), count(*) FROM {as_name(view)} WHERE {value} IS NOT NULL "
            f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_CODES}"
        ).fetchall()
        shares = {code: count / filled for code, count in counted}
    return Figures(
        rows=rows,
        filled=filled,
        numbers=numbers,
        mean=mean if is_enough else None,
        spread=spread if is_enough else None,
        shares=shares,
    )
