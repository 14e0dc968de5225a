"""Figures on which PostgreSQL and the lake must agree, chosen to cost the server little and to be exact on both sides.

Measured on 5 M rows, a bare count being 0.3 s: counts of values add 0.45 s, sums of numbers 0.3 s, bytes of text and
sums of days less than 0.1 s each. Sums of microseconds or digests of text would add a second and more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wardlake.bronze.readers.postgres_table import PostgresColumn
from wardlake.bronze.relation import Check

EPOCH = "date '2000-01-01'"


@dataclass(frozen=True)
class Exactness:
    """Tells whether numbers of a column would change on the way: digits lost by its cast, NaN, which becomes 0."""

    column: str
    sql: str


def checks_of(columns: Sequence[PostgresColumn]) -> tuple[tuple[str, Check], ...]:
    """The server's SQL of each figure with its twin."""
    return tuple(check for column in columns for check in _checks_of_column(column))


def exactness_of(columns: Sequence[PostgresColumn]) -> tuple[Exactness, ...]:
    """Whether numbers would be rounded, for each column that holds some."""
    return tuple(Exactness(f"'{column.name}'", _changes(column)) for column in columns if column.type == "numeric")


def _changes(column: PostgresColumn) -> str:
    # one NaN makes the sum one; the server computes it once, for the check as well
    is_nan = f"sum({column.at_source}) = 'NaN'"
    return f"{is_nan} or bool_or({column.at_source} <> {column.quoted})" if column.is_cast else is_nan


def _checks_of_column(column: PostgresColumn) -> list[tuple[str, Check]]:
    name, at_source = column.quoted, column.at_source
    found = [(f"count({name})", Check(f"values of {column.name}", f"count({name})"))]
    match column.type:
        case "int2" | "int4" | "int8":
            found.append((f"sum({name})", Check(f"sum of {column.name}", f"sum({name})")))
        case "numeric":
            found.append((f"sum({at_source})", Check(f"sum of {column.name}", f"sum({name})")))
        case "text" | "varchar" | "bpchar":
            # as text, because the padding of a CHAR does not travel
            size = f"sum(octet_length({at_source}::text))"
            found.append((size, Check(f"bytes of {column.name}", f"sum(strlen({name}))")))
        case "bytea":
            found.append((f"sum(octet_length({name}))", Check(f"bytes of {column.name}", f"sum(octet_length({name}))")))
        case "bool":
            found.append((f"count(nullif({name}, false))", Check(f"truths of {column.name}", f"count_if({name})")))
        case "date" | "timestamp" | "timestamptz":
            at_source = in_lake = name
            if column.type == "timestamptz":  # in UTC, by ways that look up no zone
                at_source, in_lake = f"({name} at time zone interval '0')", f"make_timestamp(epoch_us({name}))"
            days = f"sum({{}}::date - {EPOCH}) filter (where isfinite({name}))"
            found.append((days.format(at_source), Check(f"days of {column.name}", days.format(in_lake))))
    return found
