"""What the server says of the rows, counted there and in the same snapshot."""

from collections.abc import Sequence

import duckdb

from wardlake.bronze.checks import Figure
from wardlake.bronze.readers.mysql.columns import Column, Shape
from wardlake.bronze.readers.mysql.faults import Place, broken, explain
from wardlake.bronze.readers.mysql.queries import condition
from wardlake.bronze.readers.mysql.server import Server, backtick
from wardlake.bronze.reading import Reading
from wardlake.bronze.relation import SourceFacts
from wardlake.errors import PermanentError


def facts_of(
    server: Server, shape: Shape, columns: Sequence[Column], figures: Sequence[Figure], reading: Reading, place: Place
) -> SourceFacts:
    """Number of rows and figures, in one pass over the table.

    Raises:
        PermanentError: a date lacks its month or day; the scanner has handed it over as NULL.
        PassingError: the server broke off.
    """
    dates = [column.name for column in columns if column.is_date]
    asked = ["count(*)", *(_zeros(backtick(name)) for name in dates), *(figure.source_sql for figure in figures)]
    # as text: the scanner has no exact type for the widest numbers
    listed = ", ".join(f"CAST({sql} AS CHAR)" for sql in asked)
    query = f"SELECT {listed} FROM {backtick(shape.schema)}.{backtick(shape.name)} WHERE {condition(reading)}"
    try:
        [row] = server.rows(query)
    except duckdb.Error as error:  # the snapshot has ended with the error of another statement, or with this one
        raise explain(error, place) or broken(place) from None
    rows, *counted = [None if text is None else int(text) for text in row]
    _refuse_zero_dates(place, dict(zip(dates, counted, strict=False)))
    names = [figure.check.name for figure in figures]
    return SourceFacts(rows or 0, dict(zip(names, counted[len(dates) :], strict=True)))


def _zeros(column: str) -> str:
    return f"count(CASE WHEN month({column}) = 0 OR dayofmonth({column}) = 0 THEN 1 END)"


def _refuse_zero_dates(place: Place, counted: dict[str, int | None]) -> None:
    if zeros := {name: count for name, count in counted.items() if count}:
        listed = ", ".join(f"'{name}' {count}" for name, count in zeros.items())
        raise PermanentError(
            f"{place}: dates without month or day, such as 0000-00-00, are no dates in the lake; rows that have "
            f"them, by column: {listed}. The batch was not committed.",
            remedy="Have them corrected, or declare the column VARCHAR: it is then read as text, as it is.",
        )
