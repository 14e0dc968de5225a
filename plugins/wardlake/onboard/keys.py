"""Suggested keys: the smallest set of columns that names each row of the sample, and whose row it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import prod

import duckdb

from wardlake.onboard import words
from wardlake.onboard.classes import Suggestion, refers_to_person
from wardlake.onboard.found import FoundTable
from wardlake.onboard.profile import LEAST_ROWS, Profile
from wardlake.sql import as_name

MOST_COLUMNS = 3
MOST_CANDIDATES = 12
"""Sets of three of twelve columns: 298 at most are counted."""


@dataclass(frozen=True)
class SuggestedKeys:
    """Columns that name a row. `surplus_rows` rows of the sample repeat another's key or have gaps in it.

    `is_accident`: the sample is all that speaks for them, and more rows may break them.
    """

    columns: tuple[str, ...]
    is_declared: bool = False
    surplus_rows: int = 0
    is_accident: bool = False

    @property
    def is_key(self) -> bool:
        """Whether the columns name each row of the sample."""
        return self.surplus_rows == 0


def suggest_keys(
    engine: duckdb.DuckDBPyConnection,
    table: FoundTable,
    profiles: Mapping[str, Profile],
    classes: Mapping[str, Suggestion],
) -> SuggestedKeys:
    """The declared keys, or the smallest set that is unique and complete, or the set that comes nearest to it.

    Other than an identifier of the row, a set is given the patient or case of the row: two may share all the rest.
    """
    if table.declared_keys:
        return SuggestedKeys(table.declared_keys, is_declared=True)
    names = [column.name for column in table.columns]
    complete = [name for name in names if profiles[name].filled == profiles[name].rows]
    found = _smallest(engine, table.sample, names, complete, profiles)
    if not found.is_key:
        return found
    persons = [name for name in complete if refers_to_person(name, classes[name])]
    (first, *others), rows = found.columns, profiles[names[0]].rows
    if not others and _says_identifier(first):
        return replace(found, is_accident=first in persons and rows < LEAST_ROWS)
    if persons and not set(persons).intersection(found.columns):
        found = replace(found, columns=(persons[0], *found.columns))
    is_code = len(found.columns) == 1 and words.CODE.among(first)
    return replace(found, is_accident=rows < LEAST_ROWS or not is_code)


def _smallest(
    engine: duckdb.DuckDBPyConnection,
    sample: str,
    names: Sequence[str],
    complete: Sequence[str],
    profiles: Mapping[str, Profile],
) -> SuggestedKeys:
    likely = [name for name in complete if not _is_measure(name, profiles[name])]
    # measures and long texts are unique by accident: they are asked only if nothing else names a row
    first = _search(engine, sample, _ranked(likely or complete or names, profiles), profiles)
    if first.is_key or likely == complete or not likely:
        return first
    second = _search(engine, sample, _ranked(complete, profiles), profiles)
    return min(first, second, key=lambda one: one.surplus_rows)


def _search(
    engine: duckdb.DuckDBPyConnection, sample: str, candidates: Sequence[str], profiles: Mapping[str, Profile]
) -> SuggestedKeys:
    rows = profiles[candidates[0]].rows
    nearest = SuggestedKeys((candidates[0],), surplus_rows=rows + 1)
    if not rows:
        return nearest
    for size in range(1, MOST_COLUMNS + 1):
        for chosen in combinations(candidates, size):
            if prod(profiles[name].distinct for name in chosen) < rows - nearest.surplus_rows:
                continue
            surplus = rows - _distinct(engine, sample, chosen)
            if surplus == 0:
                return SuggestedKeys(chosen)
            if surplus < nearest.surplus_rows:
                nearest = SuggestedKeys(chosen, surplus_rows=surplus)
    return nearest


def _is_measure(name: str, profile: Profile) -> bool:
    return (profile.is_number and (profile.fractions > 0 or words.QUANTITY.among(name))) or profile.mean_words >= 4


def _ranked(names: Sequence[str], profiles: Mapping[str, Profile]) -> list[str]:
    """The likeliest parts of a key first, then in the order of the table."""
    ranked = sorted(names, key=lambda name: (-_likelihood(name, profiles[name]), names.index(name)))
    return ranked[:MOST_CANDIDATES]


def _likelihood(name: str, profile: Profile) -> int:
    return 3 * _says_identifier(name) + 2 * (words.CODE.among(name) or profile.is_date) + (profile.distinct > 1)


def _says_identifier(name: str) -> bool:
    return words.IDENTIFIER.among(name) or words.PERSON.among(name) or name.lower().endswith("id")


def _distinct(engine: duckdb.DuckDBPyConnection, sample: str, names: Sequence[str]) -> int:
    """Number of different complete keys."""
    listed = ", ".join(map(as_name, names))
    complete = " AND ".join(f"{as_name(name)} IS NOT NULL" for name in names)
    counted = engine.execute(f"SELECT count(DISTINCT ({listed})) FROM {as_name(sample)} WHERE {complete}").fetchall()
    return int(counted[0][0])
