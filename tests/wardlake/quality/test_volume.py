"""A source that sends a part of its rows is halted, by what the last accepted batch had."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wardlake.bronze.manifest import TakenFile
from wardlake.quality import Verdict, judge_source
from wardlake.sources import Source
from wardlake.window import Window


def day(number: int) -> Window:
    start = datetime(2026, 1, number, tzinfo=UTC)
    return Window(start, start + timedelta(days=1))


def send(quality: Any, source: Source, number: int, rows: int) -> Verdict:
    """The verdict on the batch of a day with so many rows."""
    quality.batch("stay", f"SELECT unnest(range({rows})) AS id", window=day(number))
    (verdict,) = judge_source(quality.settings, source)
    return verdict


@pytest.fixture
def source(quality: Any, make: Any) -> Any:
    quality.suite("stay", make.rule("missing", "expect_column_values_to_not_be_null", column="id"))
    return make.clinic(stay={"id": "BIGINT"})


def with_least(source: Source, least_rows_pct: int) -> Source:
    table = source.tables["stay"].model_copy(update={"least_rows_pct": least_rows_pct})
    return source.model_copy(update={"tables": {"stay": table}})


def test_half_the_rows_are_halted_and_the_message_says_what_to_do(quality: Any, source: Source) -> None:
    assert send(quality, source, 1, 100).status == "passed"
    verdict = send(quality, source, 2, 50)
    assert verdict.status == "halted"
    (refusing,) = [rule for rule in verdict.rules if rule.status == "failed"]
    assert refusing.told.startswith("clinic.stay.rows_were_lost (The batch that was let through before, 20260101T")
    assert "had 100 rows; this one has 50, and less than 60 %" in refusing.told
    assert "lower least_rows_pct of stay in dags/sources/clinic.yaml" in refusing.told


@pytest.mark.parametrize(("rows", "status"), [(59, "halted"), (60, "passed"), (300, "passed")])
def test_the_share_itself_is_enough(quality: Any, source: Source, rows: int, status: str) -> None:
    send(quality, source, 1, 100)
    assert send(quality, source, 2, rows).status == status


def test_a_halted_batch_is_not_what_the_next_one_is_compared_with(quality: Any, source: Source) -> None:
    statuses = [send(quality, source, number, rows).status for number, rows in enumerate([100, 50, 50, 90, 60], 1)]
    assert statuses == ["passed", "halted", "halted", "passed", "passed"]


def test_a_lower_share_judges_the_batch_again_and_lets_it_through(quality: Any, source: Source) -> None:
    send(quality, source, 1, 100)
    assert send(quality, source, 2, 50).status == "halted"
    assert [verdict.status for verdict in judge_source(quality.settings, with_least(source, 50))] == ["passed"]
    # and the former share is right again from the next batch on
    assert send(quality, source, 3, 45).status == "passed"


def test_a_new_suite_forgets_nothing(quality: Any, make: Any, source: Source) -> None:
    send(quality, source, 1, 100)
    quality.suite("stay", make.rule("small", "expect_column_values_to_be_between", column="id", max_value=1000))
    assert send(quality, source, 2, 50).status == "halted"


def test_a_batch_of_what_is_new_may_be_small(quality: Any, make: Any) -> None:
    files = make.clinic(stay={"id": "BIGINT"})
    appended = files.tables["stay"].model_copy(update={"mode": "append", "relation": None, "files": None})
    source = files.model_copy(update={"tables": {"stay": appended}})
    quality.suite("stay", make.rule("missing", "expect_column_values_to_not_be_null", column="id"))
    for number, rows in ((1, 100), (2, 1)):
        taken = (TakenFile(name=f"{number}.csv", sha256=f"{number}" * 64, rows=rows),)
        quality.batch("stay", f"SELECT unnest(range({rows})) AS id", window=day(number), taken=taken)
    assert [verdict.status for verdict in judge_source(quality.settings, source)] == ["passed", "passed"]
