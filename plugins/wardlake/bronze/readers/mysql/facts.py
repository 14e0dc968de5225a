"""What the server says of the rows, counted there and in the same snapshot."""

from collections.abc import Sequence

import duckdb

from wardlake.bronze.checks import Figure, values_of
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

    A date without month or day arrives as NULL, and so is missed among the values of its column; where these are not
    compared, such dates are counted here.

    Raises:
        PermanentError: a date lacks its month or day.
        PassingError: the server broke off.
    """
    names = [figure.check.name for figure in figures]
    dates = [column.name for column in columns if column.is_date and values_of(column.name) not in names]
    asked = ["count(*)", *(_zeros(name) for name in dates), *(figure.source_sql for figure in figures)]
    rows, *counted = _ask(server, shape, asked, reading, place)
    if error := _of_zeros(place, dict(zip(dates, counted, strict=False))):
        raise error
    return SourceFacts(rows or 0, dict(zip(names, counted[len(dates) :], strict=True)))


def explain_difference(
    differing: Sequence[str], server: Server, shape: Shape, columns: Sequence[Column], reading: Reading, place: Place
) -> PermanentError | None:
    """The error of dates without month or day, if these are why the named figures differ.

    Raises:
        PassingError: the server broke off.
    """
    dates = [column.name for column in columns if column.is_date and values_of(column.name) in differing]
    if not dates:
        return None
    counted = _ask(server, shape, [_zeros(name) for name in dates], reading, place)
    return _of_zeros(place, dict(zip(dates, counted, strict=True)))


def _ask(server: Server, shape: Shape, asked: Sequence[str], reading: Reading, place: Place) -> list[int | None]:
    # as text: the scanner has no exact type for the widest numbers
    listed = ", ".join(f"CAST({sql} AS CHAR)" for sql in asked)
    query = f"SELECT {listed} FROM {backtick(shape.schema)}.{backtick(shape.name)} WHERE {condition(reading)}"
    try:
        [row] = server.rows(query)
    except duckdb.Error as error:  # the snapshot has ended with the error of another statement, or with this one
        raise explain(error, place) or broken(place) from None
    return [None if text is None else int(text) for text in row]


def _zeros(name: str) -> str:
    column = backtick(name)
    return f"count(CASE WHEN month({column}) = 0 OR dayofmonth({column}) = 0 THEN 1 END)"


def _of_zeros(place: Place, counted: dict[str, int | None]) -> PermanentError | None:
    zeros = {name: count for name, count in counted.items() if count}
    if not zeros:
        return None
    listed = ", ".join(f"'{name}' {count}" for name, count in zeros.items())
    return PermanentError(
        f"{place}: dates without month or day, such as 0000-00-00, are no dates in the lake; rows that have "
        f"them, by column: {listed}. The batch was not committed.",
        remedy="Have them corrected, or declare the column VARCHAR: it is then read as text, as it is.",
    )
