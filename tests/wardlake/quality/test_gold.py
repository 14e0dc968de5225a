"""Gold is judged in the warehouse that was built; the gate reads the verdicts."""

import json
from typing import Any

import pytest

from wardlake.errors import PassingError, PermanentError
from wardlake.quality import Verdict, judge_gold
from wardlake.quality.verdicts import VERDICT
from wardlake.warehouse import connect
from wardlake.warehouse.expose import Build, save_build

BUILD = Build(build_id="b1", status="building", exposed=[])
CENSUS = "SELECT 'W1' AS ward, DATE '2025-01-01' AS day, 5 AS present UNION ALL SELECT 'W2', DATE '2025-01-01', -1"


def gold_rule(make: Any, name: str, type_: str, action: str, **kwargs: Any) -> dict[str, Any]:
    expectation: dict[str, Any] = make.rule(name, type_, action, **kwargs)
    expectation["meta"]["rule_id"] = f"gold.census.{name}"
    return expectation


def build(quality: Any, gold: str, silver: str = "SELECT 4 AS present") -> None:
    with connect(quality.settings, quality.settings.warehouse_path) as engine:
        for schema, query in (("gold", gold), ("silver", silver)):
            engine.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.census AS {query}")
    save_build(quality.settings, BUILD)


def judge(quality: Any) -> Verdict:
    (verdict,) = judge_gold(quality.settings)
    return verdict


def test_gold_is_judged_against_silver_and_the_verdict_is_kept(quality: Any, make: Any) -> None:
    quality.suite(
        "census",
        gold_rule(make, "negative", "expect_column_values_to_be_between", "warn", column="present", min_value=0),
        gold_rule(make, "grain", "expect_compound_columns_to_be_unique", "halt", column_list=["ward", "day"]),
        gold_rule(
            make,
            "lost",
            "unexpected_rows_expectation",
            "warn",
            unexpected_rows_query="SELECT 1 AS one WHERE (SELECT sum(present) FROM {batch}) "
            "<> (SELECT sum(present) FROM silver.census)",
        ),
        source="gold",
    )
    build(quality, CENSUS)
    verdict = judge(quality)
    assert (verdict.source, verdict.table, verdict.batch_id, verdict.rows) == ("gold", "census", "b1", 2)
    assert [(rule.status, rule.unexpected) for rule in verdict.rules] == [("failed", 1), ("passed", 0), ("passed", 0)]
    assert (verdict.status, verdict.verdict_key) == ("warned", None)
    judge(quality)
    bucket = quality.settings.bucket("quality")
    keys = [key for key in quality.lake.list(bucket, "quality/gold/census/batch_id=b1/") if "_verdict-" in key]
    assert len(keys) == 2
    assert {json.loads(quality.lake.get(bucket, key))["status"] for key in keys} == {"warned"}
    assert not any(key.endswith(VERDICT) for key in keys)


def test_a_broken_grain_halts(quality: Any, make: Any) -> None:
    grain = gold_rule(make, "grain", "expect_compound_columns_to_be_unique", "halt", column_list=["ward", "day"])
    quality.suite("census", grain, source="gold")
    build(quality, f"{CENSUS} UNION ALL SELECT 'W1', DATE '2025-01-01', 9")
    verdict = judge(quality)
    assert (verdict.status, verdict.rules[0].unexpected) == ("halted", 2)


def test_a_table_that_was_not_built_is_an_error(quality: Any, make: Any) -> None:
    quality.suite(
        "stays", gold_rule(make, "x", "expect_column_values_to_not_be_null", "halt", column="a"), source="gold"
    )
    build(quality, CENSUS)
    verdict = judge(quality)
    assert (verdict.status, verdict.message) == ("error", "the build has no table gold.stays")


def test_there_must_be_a_build(quality: Any, make: Any) -> None:
    quality.suite(
        "census", gold_rule(make, "x", "expect_column_values_to_not_be_null", "halt", column="a"), source="gold"
    )
    with pytest.raises(PermanentError, match="no build yet"):
        judge_gold(quality.settings)
    save_build(quality.settings, BUILD)
    with pytest.raises((PermanentError, PassingError), match="warehouse"):
        judge_gold(quality.settings)
