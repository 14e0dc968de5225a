"""What every gold column must say of itself, so that nobody has to ask what a number means."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

from wardlake.definitions.read import Column, Table

REQUIRED = ("formula", "unit", "authority", "address", "reviewed_on", "owner")
RATE = re.compile(r"percent| per ")
"""Units of a quotient, which never travels without its numerator and denominator."""


def problems_of(tables: list[Table]) -> list[str]:
    """One line for each definition that is missing or contradicts itself."""
    return [problem for table in tables for problem in _problems_of(table)]


def _problems_of(table: Table) -> Iterator[str]:
    place = f"{table.layer}.{table.name}"
    if not table.description:
        yield f"Table {place} has no description."
    if not table.grain:
        yield f"Table {place} has no uniqueness test: say which columns name a row."
    names = {column.name for column in table.columns}
    for column in table.columns:
        if not column.description:
            yield f"Column {place}.{column.name} has no description."
        if table.layer == "gold":
            for problem in _problems_of_definition(column, names):
                yield f"Column {place}.{column.name} {problem}"


def _problems_of_definition(column: Column, names: set[str]) -> Iterator[str]:
    required = [*REQUIRED, *(("numerator", "denominator") if RATE.search(column.meta.get("unit", "")) else ())]
    if missing := [key for key in required if not column.meta.get(key)]:
        yield f"lacks {', '.join(missing)}."
    for side in ("numerator", "denominator"):
        if (named := column.meta.get(side)) and not _words(named) & names:
            yield f"names no column of its table as {side}: {named}."
    address = column.meta.get("address", "")
    if address and not address.startswith(("https://", "http://", "docs/")):
        yield f"has an address that nobody can open: {address}."
    if (reviewed_on := column.meta.get("reviewed_on")) and not _is_past_date(reviewed_on):
        yield f"has no date up to today in reviewed_on: {reviewed_on}."


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def _is_past_date(text: str) -> bool:
    try:
        return date.fromisoformat(text) <= datetime.now(UTC).date()
    except ValueError:
        return False
