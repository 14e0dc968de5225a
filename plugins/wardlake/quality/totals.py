"""Sums of a batch against the control totals that the source sent with it."""

from decimal import Decimal

import duckdb

from wardlake.quality.meta import TotalRule
from wardlake.quality.outcome import Measured, failure, result_of_measured
from wardlake.quality.verdicts import RuleResult

NO_CONTROL = "no control total has come"


class _NoNumberError(Exception):
    """A query that gives something else than one number."""


def measure_total(connection: duckdb.DuckDBPyConnection, view: str, rule: TotalRule) -> Measured:
    """By how many per cent the sum of a batch differs from its control total; neither of the two is kept.

    A batch that holds nothing to be summed misses its control total by 100 %.

    Raises:
        duckdb.Error: the data could not be read, or memory is short.
    """
    try:
        total, control = (_number(connection, query.format(batch=view)) for query in (rule.total, rule.control))
    except _NoNumberError:
        return Measured(None, "total and control must give one number each", is_error=True)
    except Exception as error:  # noqa: BLE001  a rule that raises must not stop the others, and is never passed
        return Measured(None, failure(error).message, is_error=True)
    if control is None:
        return Measured(None, NO_CONTROL)
    if total is None or not control:
        return Measured(0.0 if total == control else 100.0)
    return Measured(float(100 * abs(total - control) / abs(control)))


def judge_total(rule: TotalRule, measured: Measured) -> RuleResult:
    """The result of a rule, by what was measured."""
    if measured.value is None:
        told = measured.message
    else:
        told = f"the sum differs from its control total by {measured.value:.3g} %, {rule.threshold_pct:g} % allowed"
    limit = rule.threshold_pct
    return result_of_measured(rule, limit, Measured(measured.value, told, measured.is_error), threshold_pct=limit)


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> Decimal | None:
    rows = connection.execute(query).fetchmany(2)
    if len(rows) != 1 or len(rows[0]) != 1 or not isinstance(rows[0][0], int | float | Decimal | None):
        raise _NoNumberError
    value = rows[0][0]
    return None if value is None else Decimal(str(value))
