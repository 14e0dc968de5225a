"""Figures by which source and lake are compared beside the number of rows: the choice is the same for all databases.

Each figure is a whole number that can be added over parts of the rows, and that both sides compute exactly:

| column in bronze | figures |
|---|---|
| any | how many values it has |
| integer; decimal of up to 18 digits | the sum, a decimal's in units of its last digit |
| text | the number of characters |
| binary | the number of bytes |
| boolean | how many are true |
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.relation import Check
from wardlake.sources import Table

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
EXACT_DIGITS = 18
"""Sums of longer decimals may leave the 38 digits that DuckDB has."""


@dataclass(frozen=True)
class Dialect:
    """How a database writes what the figures need.

    `whole` is the type of whole numbers to which sums are cast, wide enough for the sum of a table's longest column.
    In the others {} stands for the column; `lake_characters` is how DuckDB counts them as the database does.
    """

    quote: Callable[[str], str]
    whole: str
    characters: str = "char_length({})"
    lake_characters: str = "length({})"
    bytes: str = "octet_length({})"


@dataclass(frozen=True)
class Figure:
    """A check of the lake, and the aggregate that gives the same number at the source."""

    check: Check
    source_sql: str


def figures_of(
    table: Table, columns: Iterable[BronzeColumn], dialect: Dialect, only_counted: Collection[str] = ()
) -> tuple[Figure, ...]:
    """The figures of a table's columns as the source has them; none with `reconcile: count`.

    Columns that bronze leaves out or casts are not compared. Those in `only_counted` have a text in bronze that the
    source writes in another way, such as a time of day: their values are counted.
    """
    if table.reconcile == "count":
        return ()
    figures: list[Figure] = []
    for column in columns:
        declared = table.columns.get(column.name)
        if declared is None or declared.type.upper() != column.type:
            continue
        source, lake = dialect.quote(column.name), '"' + column.name.replace('"', '""') + '"'
        figures.append(_figure(values_of(column.name), f"count({lake})", f"count({source})"))
        if column.name not in only_counted:
            figures += _content(column, lake, source, dialect)
    return tuple(figures)


def values_of(column: str) -> str:
    """Name of the figure that counts a column's values."""
    return f"values of {column}"


def _content(column: BronzeColumn, lake: str, source: str, dialect: Dialect) -> list[Figure]:
    name = column.name
    if column.type in INTEGERS:
        return [_figure(f"sum of {name}", f"sum({lake})", f"sum(CAST({source} AS {dialect.whole}))")]
    if (decimal := DECIMAL.fullmatch(column.type)) and int(decimal[1]) <= EXACT_DIGITS:
        # without its point, the sum is in units of the last digit: a product for each row would be slow in DuckDB
        in_units = f"replace(CAST(sum({lake}) AS VARCHAR), '.', '')::HUGEINT"
        return [
            _figure(f"sum of {name}", in_units, f"CAST(sum({source}) * {10 ** int(decimal[2])} AS {dialect.whole})")
        ]
    if column.type == "VARCHAR":
        return [
            _figure(
                f"characters of {name}",
                f"sum({dialect.lake_characters.format(lake)})",
                f"sum({dialect.characters.format(source)})",
            )
        ]
    if column.type == "BLOB":
        return [_figure(f"bytes of {name}", f"sum(octet_length({lake}))", f"sum({dialect.bytes.format(source)})")]
    if column.type == "BOOLEAN":
        return [_figure(f"true values of {name}", f"count_if({lake})", f"count(CASE WHEN {source} THEN 1 END)")]
    return []


def _figure(name: str, lake_sql: str, source_sql: str) -> Figure:
    return Figure(Check(name, lake_sql), source_sql)
