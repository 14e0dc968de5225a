"""Suggested expectations: what held in the sample, as plain Great Expectations JSON. No value of a classed column."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from wardlake.onboard.classes import Suggestion
from wardlake.onboard.found import FoundColumn, FoundTable
from wardlake.onboard.keys import SuggestedKeys
from wardlake.onboard.naming import identifier
from wardlake.onboard.profile import LEAST_ROWS, Profile
from wardlake.sql import as_name

THRESHOLD_WHY = "No row of the sample broke it; raise it when the owner names a share that he accepts."


@dataclass(frozen=True)
class Judged:
    """A table with what was guessed of it."""

    table: FoundTable
    profiles: Mapping[str, Profile]
    classes: Mapping[str, Suggestion]
    keys: SuggestedKeys


def suite_json(engine: duckdb.DuckDBPyConnection, source: str, owner: str, judged: Judged) -> str:
    """The text of `expectations/<source>/<table>.json`."""
    place = f"{source}.{judged.table.name}"
    expectations = []
    used: set[str] = set()
    for type_, kwargs, rule, meta in _rules(engine, judged):
        rule_id = f"{place}.{identifier(rule, used)}"
        expectations.append({"type": type_, "kwargs": kwargs, "meta": {"rule_id": rule_id, **meta, "owner": owner}})
    return json.dumps({"name": place, "expectations": expectations, "meta": {}}, indent=2, ensure_ascii=False) + "\n"


Rule = tuple[str, dict[str, Any], str, dict[str, Any]]


def _rules(engine: duckdb.DuckDBPyConnection, judged: Judged) -> Iterator[Rule]:
    keys = judged.keys
    yield (
        "expect_table_row_count_to_be_between",
        {"min_value": 1},
        "no_rows",
        _meta("completeness", "warning", "warn", "A batch without rows: nothing was delivered, or nothing was found."),
    )
    if keys.is_key:
        yield from _key_rules(keys)
    for column in judged.table.columns:
        profile = judged.profiles[column.name]
        if profile.rows < LEAST_ROWS:
            continue
        if profile.filled == profile.rows and not (keys.is_key and column.name in keys.columns):
            yield (
                "expect_column_values_to_not_be_null",
                {"column": column.name},
                f"{column.name}_missing",
                _meta("completeness", "warning", "warn", "No row of the sample lacked it when the source was added."),
            )
        if judged.classes[column.name].pii == "none":
            yield from _value_rules(engine, judged.table.sample, column, profile)


def _key_rules(keys: SuggestedKeys) -> Iterator[Rule]:
    for name in keys.columns:
        yield (
            "expect_column_values_to_not_be_null",
            {"column": name},
            f"{name}_missing",
            _meta("completeness", "critical", "quarantine", "Part of the key: without it the row has no name."),
        )
    why = (
        "Key of the system: a row that comes twice is counted twice."
        if keys.is_declared
        else "Unique in the sample when the source was added; a row that comes twice is counted twice."
    )
    is_one = len(keys.columns) == 1
    yield (
        "expect_column_values_to_be_unique" if is_one else "expect_compound_columns_to_be_unique",
        {"column": keys.columns[0]} if is_one else {"column_list": list(keys.columns)},
        "key_not_unique",
        _meta("uniqueness", "critical", "warn", why),
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
                _meta(
                    "conformance",
                    "warning",
                    "warn",
                    "A value that the sample did not have: a new code, or a wrong one.",
                ),
            )
    elif profile.is_number:
        low, high = _margins(engine, sample, column)
        why = "Far outside of the range of the sample: three times its width, and not negative if nothing was."
        yield (*_range(column, low, high), f"{column.name}_out_of_range", _meta("plausibility", "warning", "warn", why))


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


def _meta(dimension: str, severity: str, action: str, why: str) -> dict[str, Any]:
    return {
        "dimension": dimension,
        "severity": severity,
        "action": action,
        "why": why,
        "threshold_pct": 0,
        "threshold_why": THRESHOLD_WHY,
    }
