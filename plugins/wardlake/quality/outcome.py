"""What a rule found before its rows are written, and errors told without values."""

from dataclasses import dataclass

import duckdb

from wardlake.quality.meta import Explained, RuleMeta
from wardlake.quality.verdicts import RuleResult, RuleStatus, exceeds

FILE_OR_MEMORY = (duckdb.IOException, duckdb.HTTPException, duckdb.OutOfMemoryException)
"""Errors that are no fault of a rule."""

ABOUT_THE_QUERY = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
"""Errors whose text speaks of the query alone; all other texts may hold values."""


@dataclass(frozen=True)
class Outcome:
    """What a rule found; `failed` if a single row breaks it, before its threshold is looked at.

    `rows_query` is SQL for the ids of the rows that break it, where there are such rows.
    """

    status: RuleStatus
    evaluated: int = 0
    unexpected: int = 0
    message: str | None = None
    rows_query: str | None = None


@dataclass(frozen=True)
class Measured:
    """A figure that a rule about the whole batch compares with its limit; without one, `message` says why."""

    value: float | None
    message: str | None = None
    is_error: bool = False


def result_of(meta: RuleMeta, outcome: Outcome) -> RuleResult:
    """What follows from what was counted: a rule is failed above its threshold only."""
    is_tolerated = not exceeds(outcome.unexpected, outcome.evaluated, meta.threshold_pct)
    return RuleResult(
        rule_id=meta.rule_id,
        dimension=meta.dimension,
        severity=meta.severity,
        action=meta.action,
        why=meta.why,
        owner=meta.owner,
        status="passed" if outcome.status == "failed" and is_tolerated else outcome.status,
        evaluated=outcome.evaluated,
        unexpected=outcome.unexpected,
        threshold_pct=meta.threshold_pct,
        halt_above_pct=meta.halt_above_pct,
        threshold_why=meta.threshold_why,
        message=outcome.message,
    )


def result_of_measured(
    rule: Explained, limit: float, measured: Measured, *, threshold_pct: float | None = None
) -> RuleResult:
    """What follows from a figure: the rule is failed above its limit, and not applicable without a figure."""
    value = measured.value
    is_broken = value is not None and value > limit
    status: RuleStatus = "failed" if is_broken else "passed"
    if value is None:
        status = "error" if measured.is_error else "not_applicable"
    return RuleResult(
        rule_id=rule.rule_id,
        dimension=rule.dimension,
        severity=rule.severity,
        action=rule.action,
        why=rule.why,
        owner=rule.owner,
        status=status,
        evaluated=int(value is not None),
        unexpected=int(is_broken),
        threshold_pct=threshold_pct,
        threshold_why=rule.threshold_why,
        measured=value,
        limit=limit,
        message=None if status == "passed" else measured.message,
    )


def root_cause(error: BaseException) -> BaseException:
    """The DuckDB error behind the layers of SQLAlchemy and Great Expectations, or the innermost error."""
    seen = error
    while not isinstance(seen, duckdb.Error) and (inner := seen.__cause__ or seen.__context__):
        seen = inner
    return seen


def failure(error: BaseException) -> Outcome:
    """The outcome of a rule that raised, with a message that holds no value.

    Raises:
        duckdb.Error: the data could not be read, or memory is short.
    """
    root = root_cause(error)
    if isinstance(root, FILE_OR_MEMORY):
        raise root from None
    if isinstance(root, ABOUT_THE_QUERY):
        return Outcome("error", message=f"{type(root).__name__}: {str(root).splitlines()[0]}")
    return Outcome("error", message=f"{type(root).__name__}; its text may hold values and is left out")
