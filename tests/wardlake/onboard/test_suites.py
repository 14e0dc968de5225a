"""Suggested expectations hold for the sample, catch what differs, and are silent on classed columns."""

import json
from typing import Any

import duckdb
import pytest

from wardlake.onboard.found import FoundColumn, FoundTable, create_text_sample
from wardlake.onboard.health import suggest_classes
from wardlake.onboard.keys import suggest_keys
from wardlake.onboard.profile import profile
from wardlake.onboard.suites import Judged, suite_json
from wardlake.quality.engine import check_expectation, evaluate
from wardlake.quality.suites import Suite, read_suite

ROWS = [
    (f"stay {number}", f"{number:04}", "AB"[number % 2], str(number * 1.5), f"Meier{number % 3}")
    for number in range(1, 101)
]
NAMES = ["note", "stay_id", "ward_code", "cost", "surname"]


@pytest.fixture
def suite(engine: duckdb.DuckDBPyConnection, tmp_path: Any) -> Suite:
    """The suite of a table of stays, read as Wardlake reads it."""
    create_text_sample(engine, "stays", NAMES, ROWS)
    columns = tuple(map(FoundColumn, NAMES))
    table = FoundTable("stays", "Stays.", {}, columns, "stays")
    profiles = {column.name: profile(engine, "stays", column) for column in columns}
    classes = suggest_classes(columns, profiles)
    judged = Judged(table, profiles, classes, suggest_keys(engine, table, profiles, classes))
    path = tmp_path / "stays.json"
    path.write_text(suite_json(engine, "clinic", "data team", judged))
    read, problems = read_suite(path)
    assert problems == []
    assert read is not None
    return read


def failed(engine: duckdb.DuckDBPyConnection, suite: Suite, *rows: tuple[str | None, ...]) -> set[str]:
    """Names of the rules that break if these rows are added to the sample."""
    engine.execute("CREATE OR REPLACE TABLE batch AS SELECT *, rowid AS _row_id FROM stays")
    for row in rows:
        engine.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, -1)", row)
    outcomes = evaluate(engine, "batch", suite.rules)
    assert [outcome.message for outcome in outcomes if outcome.status == "error"] == []
    return {
        rule.meta.rule_id.removeprefix("clinic.stays.")
        for rule, outcome in zip(suite.rules, outcomes, strict=True)
        if outcome.status == "failed"
    }


def test_the_sample_keeps_its_own_rules(engine: duckdb.DuckDBPyConnection, suite: Suite) -> None:
    assert failed(engine, suite) == set()
    assert [check_expectation(rule.type, rule.kwargs) for rule in suite.rules] == [None] * len(suite.rules)


@pytest.mark.parametrize(
    ("row", "broken"),
    [
        (("a", None, "A", "1.5", "Klein"), {"stay_id_missing"}),
        (("a", "0001", "A", "1.5", "Klein"), {"key_not_unique"}),
        (("a", "9999", "X", "1.5", "Klein"), {"ward_code_not_in_list"}),
        (("a", "9999", "A", "100000", "Klein"), {"cost_out_of_range"}),
        (("a", "9999", "A", "-3", "Klein"), {"cost_out_of_range"}),
        (("a", "9999", "A", "cheap", "Klein"), {"cost_out_of_range"}),
        (("a", "9999", "A", "200", None), {"surname_missing"}),
        (("a", "9999", "A", "200", "Klein"), set()),
    ],
)
def test_what_differs_is_caught(
    engine: duckdb.DuckDBPyConnection, suite: Suite, row: tuple[str | None, ...], broken: set[str]
) -> None:
    assert failed(engine, suite, row) == broken


def test_a_missing_key_quarantines_and_all_else_warns(suite: Suite) -> None:
    actions = {rule.meta.rule_id.rpartition(".")[2]: rule.meta.action for rule in suite.rules}
    assert actions.pop("stay_id_missing") == "quarantine"
    assert set(actions.values()) == {"warn"}


def test_values_stand_only_for_columns_of_class_none(suite: Suite) -> None:
    text = json.dumps(suite.json)
    assert '["A", "B"]' in text
    assert "Meier" not in text
