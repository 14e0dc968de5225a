"""A table that has had no delivery of late is told as late, by what its YAML allows; nothing is halted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wardlake.bronze import Manifest
from wardlake.quality import judge_freshness, judge_source
from wardlake.sources import Source
from wardlake.status import status

NOW = datetime.now(UTC)


@pytest.fixture
def source(quality: Any, make: Any) -> Any:
    quality.suite("stay", make.rule("missing", "expect_column_values_to_not_be_null", column="id"))
    return make.clinic(stay={"id": "BIGINT"})


@pytest.fixture
def aged(quality: Any) -> Callable[..., Manifest]:
    """A batch that came so many hours ago."""
    first = quality.batch("stay", "SELECT 1 AS id")

    def batch(hours: int, *, arrived: bool = True) -> Manifest:
        found: Manifest = first.model_copy(update={"extracted_at": NOW - timedelta(hours=hours), "arrived": arrived})
        return found

    return batch


def asking(source: Source, hours: int | None, of_table: int | None = None) -> Source:
    table = source.tables["stay"].model_copy(update={"fresh_hours": of_table})
    return source.model_copy(update={"fresh_hours": hours, "tables": {"stay": table}})


@pytest.mark.parametrize(
    ("hours", "of_table", "outcome"),
    [(24, None, "failed"), (24, 48, "passed"), (36, None, "passed"), (None, 24, "failed")],
)
def test_the_table_goes_before_its_source(
    source: Source, aged: Callable[..., Manifest], hours: int | None, of_table: int | None, outcome: str
) -> None:
    rule = judge_freshness(asking(source, hours, of_table), "stay", [aged(72), aged(30)])
    assert rule is not None
    assert (rule.status, rule.action, rule.dimension) == (outcome, "warn", "timeliness")


def test_a_look_that_found_nothing_is_no_delivery(source: Source, aged: Callable[..., Manifest]) -> None:
    rule = judge_freshness(asking(source, 24), "stay", [aged(30), aged(1, arrived=False)])
    assert rule is not None
    assert rule.status == "failed"
    assert f"The newest delivery is of {NOW - timedelta(hours=30):%Y-%m-%d %H:%M} UTC" in rule.told


def test_nobody_is_late_who_was_not_asked(source: Source, aged: Callable[..., Manifest]) -> None:
    assert judge_freshness(source, "stay", [aged(10_000)]) is None
    assert judge_freshness(asking(source, 24), "stay", []) is None


def test_verdicts_and_status_tell_it_each_time_anew(
    quality: Any, source: Source, aged: Callable[..., Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asking(source, 24)
    (verdict,) = judge_source(quality.settings, asked)
    assert (verdict.status, status(quality.settings, [asked])[0].is_late) == ("passed", False)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(hours=25)

    monkeypatch.setattr("wardlake.quality.freshness.datetime", Later)
    (verdict,) = judge_source(quality.settings, asked)
    assert (verdict.status, status(quality.settings, [asked])[0].is_late) == ("warned", True)
    assert [rule.rule_id for rule in verdict.rules if rule.status == "failed"] == ["clinic.stay.nothing_came_of_late"]
