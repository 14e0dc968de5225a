"""Judging again by stored counts when only thresholds, actions or texts have changed; columns that are not there."""

from typing import Any

import pytest

from wardlake.quality import Verdict, judge_source
from wardlake.quality.suites import suite_for

ROWS = "SELECT i AS id, CASE WHEN i <= 4 THEN NULL ELSE 'W' END AS ward FROM range(1, 101) t(i)"
STAY = {"id": "BIGINT", "ward": "VARCHAR"}


def missing(make: Any, action: str = "warn", **meta: Any) -> Any:
    return make.rule("ward_missing", "expect_column_values_to_not_be_null", action, column="ward", **meta)


def judged(quality: Any, make: Any, *rules: Any, **meta: Any) -> Verdict:
    quality.suite("stay", *rules, **meta)
    (verdict,) = judge_source(quality.settings, make.clinic(stay=STAY))
    return verdict


@pytest.fixture
def batch(quality: Any) -> Any:
    """A batch of 100 rows, four of which have no ward."""
    return quality.batch("stay", ROWS)


@pytest.fixture
def parts_gone(quality: Any, batch: Any) -> Any:
    """Deletes the batch's Parquet: what is judged after that was judged without it."""

    def delete() -> None:
        for file in batch.files:
            quality.lake.client.delete_object(Bucket=quality.settings.bucket("bronze"), Key=file.key)

    return delete


def test_a_new_threshold_is_judged_without_reading_the_batch(quality: Any, make: Any, parts_gone: Any) -> None:
    first = judged(quality, make, missing(make))
    parts_gone()
    again = judged(quality, make, missing(make, threshold_pct=5))
    assert (first.status, again.status) == ("warned", "passed")
    assert again.suite_version != first.suite_version
    assert again.counts_version == first.counts_version
    assert [(rule.evaluated, rule.unexpected) for rule in again.rules] == [(100, 4)]
    (rejudged,) = judge_source(quality.settings, make.clinic(stay=STAY))
    assert rejudged == again


def test_a_new_action_moves_the_rows_that_were_found_into_quarantine_and_out_again(
    quality: Any, make: Any, parts_gone: Any
) -> None:
    judged(quality, make, missing(make, threshold_pct=50))
    parts_gone()
    held = judged(quality, make, missing(make, "quarantine"))
    assert (held.status, held.quarantined_rows) == ("quarantined", 4)
    assert quality.flagged(held.verdict_key) == [(row, "ward_missing", "quarantine") for row in (1, 2, 3, 4)]
    free = judged(quality, make, missing(make, threshold_pct=10))
    assert (free.status, free.quarantined_rows) == ("passed", 0)
    assert quality.flagged(free.verdict_key) == [(row, "ward_missing", "warn") for row in (1, 2, 3, 4)]


def test_a_rule_that_did_not_name_its_rows_is_judged_anew_when_it_quarantines(quality: Any, make: Any) -> None:
    nameless = "SELECT count(*) AS rows FROM {batch} WHERE ward IS NULL HAVING count(*) > 0"
    quality.batch("stay", ROWS)
    assert judged(quality, make, make.query("gaps", nameless)).status == "warned"
    verdict = judged(quality, make, make.query("gaps", nameless, "quarantine"))
    assert verdict.status == "error"
    assert "names no rows that could be quarantined" in str(verdict.rules[0].message)


def test_another_rule_reads_the_batch_again(quality: Any, make: Any, parts_gone: Any) -> None:
    judged(quality, make, missing(make))
    parts_gone()
    rules = missing(make), make.rule("id_missing", "expect_column_values_to_not_be_null", column="id")
    with pytest.raises(Exception, match="bronze batches of clinic"):
        judged(quality, make, *rules)


def test_texts_and_thresholds_do_not_change_what_is_counted(quality: Any, make: Any) -> None:
    source = make.clinic(stay=STAY)

    def versions(rule: Any) -> tuple[str, str]:
        quality.suite("stay", rule)
        suite = suite_for(quality.settings, source, "stay")
        return suite.version, suite.counts_version

    plain, other = missing(make), missing(make, threshold_pct=1)
    other["meta"]["why"] = "For a better reason."
    assert versions(plain)[0] != versions(other)[0]
    assert versions(plain)[1] == versions(other)[1]
    conditional = missing(make)
    conditional["kwargs"] |= {"row_condition": 'col("id") > 1', "condition_parser": "great_expectations"}
    assert versions(conditional)[1] != versions(plain)[1]


def test_a_column_that_the_batch_lacks_is_an_error_or_not_applicable_by_its_contract(
    quality: Any, make: Any, batch: Any
) -> None:
    source = make.clinic(stay=STAY | {"bed": "VARCHAR"})
    quality.suite(
        "stay", missing(make), make.rule("bed", "expect_column_values_to_be_in_set", column="bed", value_set=["B"])
    )
    (verdict,) = judge_source(quality.settings, source)
    assert verdict.status == "error"
    (told,) = [rule.message for rule in verdict.rules if rule.status == "error"]
    assert told == "the batch has no column bed, which the YAML declares: extract the table again"
    optional = source.tables["stay"].model_copy(update={"contract": "evolve"})
    (verdict,) = judge_source(quality.settings, source.model_copy(update={"tables": {"stay": optional}}))
    assert [(rule.status, rule.message) for rule in verdict.rules] == [
        ("failed", None),
        ("not_applicable", "the batch has no column bed"),
    ]
