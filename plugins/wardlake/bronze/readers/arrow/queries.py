"""The statements: the rows of a window, and what the source says of them in the same transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import mssql

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.arrow.columns import MAX_DIGITS, Column
from wardlake.bronze.reading import Bound, Reading
from wardlake.bronze.relation import Check
from wardlake.sources import Table
from wardlake.sql import as_name

SUMMED_DIGITS = 18
"""Sums of longer decimals may leave the 38 digits that DuckDB has."""

_LENGTHS: dict[str, Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]] = {
    "postgresql": sa.func.char_length,
    "mysql": sa.func.char_length,
    "mariadb": sa.func.char_length,
    "sqlite": sa.func.length,
}
"""Databases whose length of a text is its number of characters, as in DuckDB, trailing blanks included."""


def split(relation: str) -> tuple[str | None, str]:
    """Schema, if there is one, and name of `relation`."""
    schema, _, name = relation.rpartition(".")
    return schema or None, name


def rows_of(
    relation: str, columns: Sequence[Column], reading: Reading, wanted: Sequence[str] | None, dialect: str
) -> sa.Select[Any]:
    """Select the columns that are wanted, None for all, of the rows that are to be read."""
    selected = [column.expression.label(column.name) for column in columns if wanted is None or column.name in wanted]
    return _within(sa.select(*selected), relation, columns, reading, dialect)


def facts_of(
    relation: str,
    columns: Sequence[Column],
    reading: Reading,
    figures: Sequence[sa.ColumnElement[Any]],
    dialect: str,
) -> sa.Select[Any]:
    """Select the number of the rows that are to be read, and then the figures."""
    return _within(sa.select(sa.func.count(), *figures), relation, columns, reading, dialect)


def _within(
    statement: sa.Select[Any], relation: str, columns: Sequence[Column], reading: Reading, dialect: str
) -> sa.Select[Any]:
    schema, name = split(relation)
    statement = statement.select_from(sa.table(name, schema=schema))
    if reading.column is None or (None, None) in reading.ranges:
        return statement
    cursor = next(column.expression for column in columns if column.name == reading.column)
    ranges = []
    for lower, upper in reading.ranges:
        bounds = []
        if lower is not None:
            bounds.append(cursor >= _literal(lower, cursor, dialect))
        if upper is not None:
            bounds.append(cursor < _literal(upper, cursor, dialect))
        ranges.append(sa.and_(*bounds))
    return statement.where(sa.or_(*ranges, cursor.is_(None)))


def _literal(bound: Bound, cursor: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[Any]:
    if isinstance(bound, Decimal):
        whole = bound == bound.to_integral_value()
        return sa.literal(int(bound), types.BigInteger()) if whole else sa.literal(bound, cursor.type)
    if dialect == "mssql":
        # drivers of SQL Server cut parameters to milliseconds or drop their zone; a cast of ISO 8601 does not
        return sa.cast(sa.literal(bound.isoformat(), types.String()), _mssql_type(bound))
    if dialect == "oracle" and isinstance(bound, datetime) and bound.tzinfo:
        return sa.literal(bound.astimezone(UTC).replace(tzinfo=None), types.DateTime())
    return sa.literal(bound, cursor.type)


def _mssql_type(bound: date) -> types.TypeEngine[Any]:
    if not isinstance(bound, datetime):
        return mssql.DATE()
    kind: type[Any] = mssql.DATETIMEOFFSET if bound.tzinfo else mssql.DATETIME2
    moment: types.TypeEngine[Any] = kind(precision=6)
    return moment


@dataclass(frozen=True)
class Figure:
    """A check, and what the source computes for it."""

    check: Check
    expression: sa.ColumnElement[Any]

    def whole(self, value: Any) -> int | None:
        """A value of the expression as the whole number that the check computes in the lake."""
        if value is None or not isinstance(self.expression.type, types.Numeric):
            return None if value is None else int(value)
        return int(f"{Decimal(value):.{self.expression.type.scale}f}".replace(".", ""))


def figures_of(
    table: Table, columns: Sequence[Column], found: Sequence[BronzeColumn], dialect: str
) -> tuple[Figure, ...]:
    """Checks that add up over parts, and the source's figure for each: values, their sum or their characters.

    Only for columns that bronze has with the source's type: a cast on the way would have other sums.
    """
    if table.reconcile == "count":
        return ()
    figures = []
    for column, bronze in zip(columns, found, strict=True):
        if column.name in table.columns and table.columns[column.name].type.upper() == bronze.type:
            figures += _figures(column, dialect)
    return tuple(figures)


def _figures(column: Column, dialect: str) -> list[Figure]:
    quoted = as_name(column.name)
    count = Check(f"values of {column.name}", f"count({quoted})")
    figures = [Figure(count, sa.func.count(column.expression))]
    if (scale := _scale(column, dialect)) is not None:
        # without its point a sum is a whole number, however many zeros either side writes
        digits = f"CAST(replace(CAST(sum({quoted}) AS VARCHAR), '.', '') AS HUGEINT)"
        wide = sa.cast(column.expression, types.Numeric(MAX_DIGITS, scale))
        kind = types.Numeric(MAX_DIGITS, scale) if scale else types.Integer()
        figures.append(Figure(Check(f"sum of {column.name}", digits), sa.func.sum(wide, type_=kind)))
    elif dialect in _LENGTHS and _is_text(column):
        length = _LENGTHS[dialect](sa.cast(column.expression, types.Text()))
        figures.append(Figure(Check(f"characters of {column.name}", f"sum(length({quoted}))"), sa.func.sum(length)))
    return figures


def _scale(column: Column, dialect: str) -> int | None:
    """Digits after the point of a number whose sum both sides compute exactly; None for all else."""
    if pa.types.is_integer(column.arrow):
        return 0
    if pa.types.is_decimal(column.arrow) and column.arrow.precision <= SUMMED_DIGITS and dialect != "sqlite":
        scale: int = column.arrow.scale
        return scale
    return None


def _is_text(column: Column) -> bool:
    kind = column.expression.type
    # the blanks at the end of CHAR(n) count or not, as each database likes
    return isinstance(kind, types.String) and not isinstance(kind, types.CHAR) and not column.is_any
