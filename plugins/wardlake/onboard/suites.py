"""Suggested expectations: what held in the sample, as plain Great Expectations JSON. No value of a classed column."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import duckdb

from wardlake.onboard.classes import Suggestion
from wardlake.onboard.found import FoundColumn, FoundTable
from wardlake.onboard.keys import SuggestedKeys
from wardlake.onboard.naming import identifier
from wardlake.onboard.profile import LEAST_ROWS, Profile
from wardlake.sql import as_name

NONE_BROKE_IT = "No row broke it; raise this to what the owner of the system calls ordinary."


THE_SAMPLE = "the sample when the source was added"

KINDS = {"[0-9]": "9", "[A-Z]": "A", "[a-z]": "a"}
SHAPES = "^[9Aa ./:_-]{1,40}$"
"""Shapes that tell of no value: figures and letters, and what stands between them."""
MOST_SHAPES = 3


@dataclass(frozen=True)
class Judged:
    """A table with what was guessed of it."""

    table: FoundTable
    profiles: Mapping[str, Profile]
    classes: Mapping[str, Suggestion]
    keys: SuggestedKeys


Rule = tuple[str, dict[str, Any], str, dict[str, Any]]
"""Type and kwargs of an expectation, its own name, and its meta but for id and owner."""


def suite_json(
    engine: duckdb.DuckDBPyConnection,
    source: str,
    owner: str,
    judged: Judged,
    *,
    seen_in: str = THE_SAMPLE,
    more: Iterable[Rule] = (),
    drift: Iterable[tuple[str, dict[str, Any]]] = (),
) -> str:
    """The text of `expectations/<source>/<table>.json`, with `more` rules and those on drift (name and meta).

    Each rule says where it was seen to hold, and that a person must review it.
    """
    place, used = f"{source}.{judged.table.name}", set[str]()

    def told(rule: str, meta: dict[str, Any]) -> dict[str, Any]:
        why = f"{meta['why']} Suggested from {seen_in}; to be reviewed."
        return {"rule_id": f"{place}.{identifier(rule, used)}", **meta, "why": why, "owner": owner}

    expectations = [
        {"type": type_, "kwargs": kwargs, "meta": told(rule, meta)}
        for type_, kwargs, rule, meta in (*_rules(engine, judged), *more)
    ]
    moving = [told(rule, meta) for rule, meta in drift]
    content = {"name": place, "expectations": expectations, "meta": {"drift": moving} if moving else {}}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _rules(engine: duckdb.DuckDBPyConnection, judged: Judged) -> Iterator[Rule]:
    keys = judged.keys
    yield (
        "expect_table_row_count_to_be_between",
        {"min_value": 1},
        "no_rows",
        rule_meta(
            "completeness",
            "warn",
            "A batch without rows: nothing was delivered, or nothing was found.",
            "The rule looks at the table as a whole: it is met or it is not.",
        ),
    )
    if keys.is_key:
        yield from _key_rules(keys)
    for column in judged.table.columns:
        profile, pii = judged.profiles[column.name], judged.classes[column.name].pii
        if profile.rows < LEAST_ROWS:
            continue
        if profile.filled == profile.rows and not (keys.is_key and column.name in keys.columns):
            yield (
                "expect_column_values_to_not_be_null",
                {"column": column.name},
                f"{column.name}_missing",
                rule_meta("completeness", "warn", "No row lacked it."),
            )
        is_key = keys.is_key and keys.columns == (column.name,)
        if pii == "none" and not is_key:
            yield from _value_rules(engine, judged.table.sample, column, profile)
        if pii in ("none", "identifier") and column.type == "VARCHAR" and not profile.is_code_list:
            yield from _shape_rules(engine, judged.table.sample, column, profile)


def _key_rules(keys: SuggestedKeys) -> Iterator[Rule]:
    for name in keys.columns:
        yield (
            "expect_column_values_to_not_be_null",
            {"column": name},
            f"{name}_missing",
            rule_meta(
                "completeness",
                "quarantine",
                "Part of the key: without it the row has no name.",
                "A row without its key cannot be told from another, be it one or many.",
                severity="critical",
            ),
        )
    why = (
        "Key of the system: a row that comes twice is counted twice."
        if keys.is_declared
        else "No key came twice; a row that does is counted twice."
    )
    is_one = len(keys.columns) == 1
    yield (
        "expect_column_values_to_be_unique" if is_one else "expect_compound_columns_to_be_unique",
        {"column": keys.columns[0]} if is_one else {"column_list": list(keys.columns)},
        "key_not_unique",
        rule_meta(
            "uniqueness",
            "warn",
            why,
            "One key that comes twice shows that rows were read or sent twice.",
            severity="critical",
        ),
    )


def _value_rules(
    engine: duckdb.DuckDBPyConnection, sample: str, column: FoundColumn, profile: Profile
) -> Iterator[Rule]:
    name = as_name(column.name)
    if profile.is_code_list and column.type != "BOOLEAN" and not (profile.is_number and profile.distinct > 5):
        found = engine.execute(
            f"SELECT DISTINCT {name} FROM {as_name(sample)} WHERE {name} IS NOT NULL ORDER BY ALL"
        ).fetchall()
        values = [value for (value,) in found if isinstance(value, str | int | bool)]
        if len(values) == len(found):
            yield (
                "expect_column_values_to_be_in_set",
                {"column": column.name, "value_set": values},
                f"{column.name}_not_in_list",
                rule_meta("conformance", "warn", "A value that was not there: a new code, or a wrong one."),
            )
    elif profile.is_number:
        low, high = _margins(engine, sample, column)
        why = "Far outside of the range that was seen: three times its width, and not negative if nothing was."
        yield (
            *_range(column, low, high),
            f"{column.name}_out_of_range",
            rule_meta("plausibility", "warn", why),
        )


def _margins(engine: duckdb.DuckDBPyConnection, sample: str, column: FoundColumn) -> tuple[float, float]:
    value = f"try_cast({as_name(column.name)} AS DOUBLE)"
    least, most = engine.execute(f"SELECT min({value}), max({value}) FROM {as_name(sample)}").fetchall()[0]
    width = max(most - least, abs(most), 1)
    return (0.0 if least >= 0 else _rounded(least - width)), _rounded(most + width)


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")


def _range(column: FoundColumn, low: float, high: float) -> tuple[str, dict[str, Any]]:
    """Numbers that travel as text are compared by a query: Great Expectations would compare letters."""
    if column.type != "VARCHAR":
        return "expect_column_values_to_be_between", {"column": column.name, "min_value": low, "max_value": high}
    name = as_name(column.name).replace("{", "{{").replace("}", "}}")
    query = (
        f"SELECT _row_id FROM {{batch}} WHERE {name} IS NOT NULL AND trim({name}) <> '' "
        f"AND coalesce(try_cast({name} AS DOUBLE) NOT BETWEEN {low} AND {high}, true)"
    )
    return "unexpected_rows_expectation", {"unexpected_rows_query": query}


def _shape_rules(
    engine: duckdb.DuckDBPyConnection, sample: str, column: FoundColumn, profile: Profile
) -> Iterator[Rule]:
    """The shapes of codes and numbers that travel as text, where there are few of them."""
    if profile.is_number or profile.filled < LEAST_ROWS or profile.longest > 40:
        return
    name = as_name(column.name)
    shape = name
    for kind, letter in KINDS.items():
        shape = f"regexp_replace({shape}, '{kind}', '{letter}', 'g')"
    found = engine.execute(
        f"SELECT DISTINCT {shape} AS shape FROM {as_name(sample)} WHERE {name} IS NOT NULL "
        f"ORDER BY shape LIMIT {MOST_SHAPES + 1}"
    ).fetchall()
    shapes = [shape for (shape,) in found]
    if len(shapes) <= MOST_SHAPES and all(re.match(SHAPES, shape) for shape in shapes):
        yield (
            "expect_column_values_to_match_regex",
            {"column": column.name, "regex": f"^({'|'.join(map(_as_regex, shapes))})$"},
            f"{column.name}_of_another_shape",
            rule_meta("conformance", "warn", "No value was of another shape: its letters and figures."),
        )


def _as_regex(shape: str) -> str:
    kinds = {letter: kind for kind, letter in KINDS.items()}
    parts = []
    for char, run in groupby(shape):
        length = len(list(run))
        parts.append(kinds.get(char, re.escape(char)) + (f"{{{length}}}" if length > 1 else ""))
    return "".join(parts)


def rule_meta(
    dimension: str, action: str, why: str, threshold_why: str = NONE_BROKE_IT, *, severity: str = "warning"
) -> dict[str, Any]:
    """The meta of a suggested expectation, but for id and owner."""
    return {
        "dimension": dimension,
        "severity": severity,
        "action": action,
        "why": why,
        "threshold_pct": 0,
        "threshold_why": threshold_why,
    }
