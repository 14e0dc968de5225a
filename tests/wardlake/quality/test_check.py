"""Suites are checked in one pass, without data."""

import json
import subprocess
import sys
from typing import Any

import pytest

from wardlake.errors import PermanentError
from wardlake.quality import check_suites, suite_for
from wardlake.settings import PROJECT_ROOT, Settings
from wardlake.sources import load_sources

GOLD_MODEL = """
models:
  - name: gold_daily_census
    config: {alias: daily_census}
    columns:
      - {name: census_date, data_type: date}
      - {name: midnight_census, data_type: bigint}
"""


@pytest.fixture
def source(make: Any) -> Any:
    return make.clinic(stay={"id": "INTEGER", "ward": "VARCHAR"}, ward={"ward": "VARCHAR"})


def gold_rule(make: Any, name: str, type_: str, action: str, **kwargs: Any) -> dict[str, Any]:
    expectation: dict[str, Any] = make.rule(name, type_, action, **kwargs)
    expectation["meta"]["rule_id"] = f"gold.daily_census.{name}"
    return expectation


def fill(quality: Any, make: Any) -> None:
    """Suites without a problem."""
    quality.suite("stay", make.query("lonely", "SELECT _row_id FROM {batch} ANTI JOIN ward USING (ward)", "quarantine"))
    quality.suite("ward", make.rule("once", "expect_column_values_to_be_unique", table="ward", column="ward"))
    model = quality.settings.dbt_dir / "models" / "gold" / "census.yml"
    model.parent.mkdir(parents=True)
    model.write_text(GOLD_MODEL)
    rule = gold_rule(
        make, "negative", "expect_column_values_to_be_between", "halt", column="midnight_census", min_value=0
    )
    quality.suite("daily_census", rule, source="gold")


def test_the_repositorys_own_suites_have_no_problem() -> None:
    settings = Settings(project_root=PROJECT_ROOT)
    sources = list(load_sources(settings).values())
    assert check_suites(settings, sources) == []
    tables = {(source.name, table) for source in sources for table in source.tables}
    assert all((settings.suites_dir / source / f"{table}.json").exists() for source, table in tables)
    assert len(tables) >= 30


def test_good_suites_have_no_problem(quality: Any, make: Any, source: Any) -> None:
    fill(quality, make)
    assert check_suites(quality.settings, [source]) == []


def test_every_problem_is_told_at_once(quality: Any, make: Any, source: Any) -> None:
    fill(quality, make)
    nameless = make.rule("no_owner", "expect_column_values_to_not_be_null", column="id")
    del nameless["meta"]["owner"]
    nameless["meta"]["action"] = "shout"
    tolerant = make.rule("tolerant", "expect_column_values_to_not_be_null", "quarantine", column="id", threshold_pct=1)
    over = make.rule("over", "expect_column_values_to_not_be_null", column="id", threshold_pct=101)
    halting = make.rule("halting", "expect_column_values_to_not_be_null", column="id")
    halting["meta"]["halt_above_pct"] = 5
    reasonless = make.rule("reasonless", "expect_column_values_to_not_be_null", column="id", mostly=0.9)
    del reasonless["meta"]["threshold_why"]
    quality.suite("ward", nameless, tolerant, over, halting, reasonless)
    quality.suite("nowhere", make.rule("x", "expect_column_values_to_not_be_null", table="nowhere", column="id"))
    quality.suite(
        "stay",
        make.rule("typo", "expect_colum_values_to_be_unique", column="id"),
        make.rule("no_column", "expect_column_values_to_not_be_null", column="idd"),
        make.rule("no_set", "expect_column_values_to_be_in_set", column="id"),
        make.rule("rowless", "expect_table_row_count_to_be_between", "quarantine", min_value=1),
        make.query("no_batch", "SELECT _row_id FROM stay"),
        make.query("bad_sql", "SELECT _row_id FROM {batch} WHERE idd = 1"),
        make.query("no_row_id", "SELECT id FROM {batch}", "quarantine"),
        make.rule("elsewhere", "expect_column_values_to_not_be_null", table="ward", column="id"),
    )
    quality.suite(
        "daily_census",
        gold_rule(make, "held", "expect_column_values_to_not_be_null", "quarantine", column="census_date"),
        source="gold",
    )
    quality.suite("no_model", make.rule("x", "expect_column_values_to_not_be_null", column="id"), source="gold")
    (quality.settings.suites_dir / "clinic" / "broken.json").write_text("{")
    problems = check_suites(quality.settings, [source])
    expected = [
        "expectations/clinic/nowhere.json: it judges clinic.nowhere, which no YAML",
        "expectations/clinic/broken.json: it judges clinic.broken",
        "rule clinic.stay.typo: expect_colum_values_to_be_unique not found",
        "rule clinic.stay.no_column: the table has no column 'idd'",
        "rule clinic.stay.no_set:",
        "rule clinic.stay.rowless: expect_table_row_count_to_be_between names no rows",
        "rule clinic.stay.no_batch: its query must read from {batch}",
        "rule clinic.stay.bad_sql: its query cannot be run",
        "rule clinic.stay.no_row_id: its query must select _row_id",
        "rule clinic.ward.elsewhere: its id must begin with clinic.stay.",
        "meta.owner: Field required",
        "meta.action: Input should be 'warn', 'quarantine' or 'halt'",
        "expectations/clinic/ward.json: rule clinic.stay.tolerant: meta: Value error, quarantine takes out each row",
        "rule clinic.stay.over: meta.threshold_pct: Input should be less than or equal to 100",
        "rule clinic.stay.halting: meta: Value error, halt_above_pct belongs to the action quarantine",
        "rule clinic.stay.reasonless: give meta.threshold_pct in the place of kwargs.mostly",
        "rule clinic.stay.reasonless: meta.threshold_why: Field required",
        "nothing is quarantined in gold",
        "expectations/gold/no_model.json: it judges gold.no_model, which no model",
    ]
    missing = [text for text in expected if not any(text in problem for problem in problems)]
    assert missing == []
    both = "two things are told of the expectation without owner, in one line"
    assert len(problems) == len(expected) - 1, both


def test_contradictions_and_thresholds_are_told_in_the_same_pass(quality: Any, make: Any, source: Any) -> None:
    fill(quality, make)

    def between(name: str, **limits: Any) -> Any:
        return make.rule(name, "expect_column_values_to_be_between", column="id", **limits)

    def listed(name: str, *values: Any, kind: str = "be_in_set") -> Any:
        return make.rule(name, f"expect_column_values_to_{kind}", column="ward", value_set=list(values))

    silent = make.rule("silent", "expect_column_values_to_be_unique", column="ward")
    del silent["meta"]["threshold_pct"], silent["meta"]["threshold_why"]
    drift = make.rule("x", "x")["meta"] | {"measure": "shares", "threshold": 0.25}
    del drift["threshold_pct"]
    total = make.rule("total", "x")["meta"] | {"total": "SELECT count(*) FROM {batch}", "control": "SELECT nothing"}
    quality.suite(
        "stay",
        make.rule("empty", "expect_column_values_to_be_null", column="ward"),
        make.rule("full", "expect_column_values_to_not_be_null", column="ward"),
        between("upside_down", min_value=9, max_value=1),
        between("low", max_value=10),
        between("high", min_value=20),
        make.rule("numbers", "expect_column_values_to_be_in_set", column="id", value_set=[30, 40]),
        listed("east", "E1", "E2"),
        listed("west", "W1"),
        listed("not_west", "W1", "W2", kind="not_be_in_set"),
        listed("west_again", "W1"),
        make.rule("too_far", "expect_column_values_to_be_unique", column="id", threshold_pct=101),
        make.rule("mostly", "expect_column_values_to_be_unique", column="id", mostly=0.9),
        make.rule("held", "expect_column_values_to_be_unique", "quarantine", column="id", threshold_pct=5),
        make.rule("share_of_warned", "expect_column_values_to_be_unique", column="id", halt_above_pct=5),
        make.rule("rows", "expect_table_row_count_to_be_between", min_value=1, threshold_pct=5),
        silent,
        drift=[drift | {"rule_id": "clinic.stay.moved", "column": "wrd"}, drift | {"column": "ward", "action": "stop"}],
        totals=[total],
    )
    problems = check_suites(quality.settings, [source])
    expected = [
        "rule clinic.stay.full: no value can meet it and clinic.stay.empty: the column must be empty and must not",
        "rule clinic.stay.upside_down: its min_value is above its max_value",
        "rule clinic.stay.high: no value can meet it and clinic.stay.low: the ranges exclude each other",
        "rule clinic.stay.high: no value can meet it and clinic.stay.upside_down: the ranges exclude each other",
        "rule clinic.stay.numbers: no value can meet it and clinic.stay.low: every value of the set lies outside",
        "rule clinic.stay.numbers: no value can meet it and clinic.stay.upside_down: every value of the set",
        "rule clinic.stay.west: no value can meet it and clinic.stay.east: the sets share no value",
        "rule clinic.stay.not_west: no value can meet it and clinic.stay.west: every value of the set is refused",
        "rule clinic.stay.west_again: it says the same as clinic.stay.west",
        "rule clinic.stay.west_again: no value can meet it and clinic.stay.east: the sets share no value",
        "rule clinic.stay.west_again: no value can meet it and clinic.stay.not_west: every value of the set is refused",
        "rule clinic.stay.too_far: meta.threshold_pct: Input should be less than or equal to 100",
        "rule clinic.stay.mostly: give meta.threshold_pct in the place of kwargs.mostly",
        "rule clinic.stay.held: meta: Value error, quarantine takes out each row",
        "rule clinic.stay.share_of_warned: meta: Value error, halt_above_pct belongs to the action quarantine",
        "rule clinic.stay.rows: expect_table_row_count_to_be_between is met or is not: threshold_pct must be 0",
        "rule clinic.stay.silent: meta.threshold_why: Field required; meta.threshold_pct: Field required",
        "rule clinic.stay.moved: the table has no column 'wrd'",
        "meta.drift 2: meta.action: Input should be 'warn', 'quarantine' or 'halt'",
        "rule clinic.stay.total: its control cannot be run",
    ]
    missing = [text for text in expected if not any(text in problem for problem in problems)]
    assert missing == []
    assert len(problems) == len(expected)
    assert all(problem.startswith("expectations/clinic/stay.json: ") for problem in problems)


def test_a_table_without_suite_is_told_and_judged_by_its_keys(quality: Any, make: Any, source: Any) -> None:
    fill(quality, make)
    (quality.settings.suites_dir / "clinic" / "ward.json").unlink()
    (problem,) = check_suites(quality.settings, [source])
    assert problem.startswith("clinic.ward has no suite and is judged by its keys alone")
    rules = suite_for(quality.settings, source, "ward").rules
    assert [(rule.meta.rule_id, rule.meta.action, rule.columns) for rule in rules] == [
        ("clinic.ward.key_1_missing", "quarantine", ["ward"]),
        ("clinic.ward.key_not_unique", "warn", ["ward"]),
    ]


def test_a_rule_id_names_one_rule(quality: Any, make: Any, source: Any) -> None:
    fill(quality, make)
    twice = make.rule("once", "expect_column_values_to_be_unique", table="ward", column="ward")
    quality.suite("ward", twice, twice)
    assert check_suites(quality.settings, [source]) == [
        "expectations/clinic/ward.json: the rule id clinic.ward.once is used twice.",
        "expectations/clinic/ward.json: rule clinic.ward.once: it says the same as clinic.ward.once.",
    ]
    with pytest.raises(PermanentError, match="used twice"):
        suite_for(quality.settings, source, "ward")


def test_the_version_is_that_of_the_content(quality: Any, make: Any, source: Any) -> None:
    quality.suite("ward", make.rule("once", "expect_column_values_to_be_unique", table="ward", column="ward"))
    path = quality.settings.suites_dir / "clinic" / "ward.json"
    before = suite_for(quality.settings, source, "ward").version
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4, sort_keys=True))
    assert suite_for(quality.settings, source, "ward").version == before
    path.write_text(path.read_text().replace('"warn"', '"halt"'))
    assert suite_for(quality.settings, source, "ward").version != before


def test_great_expectations_reads_the_suites_itself() -> None:
    from great_expectations.core.expectation_suite import ExpectationSuite  # noqa: PLC0415  takes seconds to import

    for path in sorted((PROJECT_ROOT / "expectations").rglob("*.json")):
        content = json.loads(path.read_text())
        suite = ExpectationSuite(**content)
        assert len(suite.expectations) == len(content["expectations"]), path.name


def test_importing_wardlake_does_not_import_great_expectations() -> None:
    program = "import sys, wardlake.quality; print('great_expectations' in sys.modules, 'sqlalchemy' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "False"]
