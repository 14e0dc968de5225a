"""Queries for the rows of a table: what the server can filter, it filters."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from wardlake.bronze.readers.mysql.columns import Column, Shape
from wardlake.bronze.readers.mysql.faults import Place
from wardlake.bronze.readers.mysql.pages import read_pages
from wardlake.bronze.readers.mysql.server import ATTACHED, Server, backtick, double
from wardlake.bronze.reading import Bound, Reading
from wardlake.errors import PermanentError


def rows_query(
    server: Server, shape: Shape, columns: Sequence[Column], reading: Reading, folder: Path, place: Place
) -> str:
    """A DuckDB query for the rows of a reading; `folder` is for pages.

    Raises:
        PermanentError: a column must be read in pages, and the table has no key for that.
    """
    if odd := [column.name for column in columns if column.scan is None]:
        if shape.page_key is None:
            raise PermanentError(
                f"{place}: {', '.join(odd)} must be cast at the source, which needs an integer primary key, and "
                f"{place.relation} has none.",
                remedy="Read a view that casts them with CAST(... AS CHAR), or use a connection of kind sqlalchemy.",
            )
        return read_pages(server, shape, columns, condition(reading), folder)
    listed = ", ".join(f"{column.scan} AS {double(column.name)}" for column in columns)
    everything = f"SELECT {listed} FROM {ATTACHED}.{double(shape.schema)}.{double(shape.name)}"
    if reading.column is None:
        return everything
    cursor = double(reading.column)
    within = _ranges(reading, cursor)
    in_ranges = " UNION ALL ".join(f"{everything} WHERE {each}" for each in within)
    without = f"{backtick(reading.column)} IS NULL"
    [(has_without,)] = server.rows(f"SELECT EXISTS (SELECT 1 FROM {_from(shape)} WHERE {without})")
    if not has_without:
        return in_ranges
    # the scanner filters a range at the source, but not together with IS NULL
    if reading.is_full or shape.page_key is None:
        return f"{everything} WHERE {' OR '.join([*within, f'{cursor} IS NULL'])}"
    return f"{in_ranges} UNION ALL {read_pages(server, shape, columns, without, folder)}"


def _from(shape: Shape) -> str:
    return f"{backtick(shape.schema)}.{backtick(shape.name)}"


def condition(reading: Reading) -> str:
    """The rows of a reading, as a condition of the server."""
    if reading.column is None:
        return "true"
    cursor = backtick(reading.column)
    return " OR ".join([*_ranges(reading, cursor), f"{cursor} IS NULL"])


def _ranges(reading: Reading, cursor: str) -> list[str]:
    """The ranges of a cursor, for DuckDB and for the server alike."""
    return [each or f"{cursor} IS NOT NULL" for each in reading.ranges_in_sql(cursor, _literal)]


def _literal(bound: Bound) -> str:
    if isinstance(bound, datetime):
        naive = bound.astimezone(UTC).replace(tzinfo=None) if bound.tzinfo else bound
        return f"TIMESTAMP '{naive.isoformat(sep=' ')}'"
    return f"DATE '{bound.isoformat()}'" if isinstance(bound, date) else f"{bound:f}"
