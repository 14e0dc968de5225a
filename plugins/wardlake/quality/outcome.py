"""What a rule found before its rows are written, and errors told without values."""

from dataclasses import dataclass

import duckdb

from wardlake.quality.verdicts import RuleStatus

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
