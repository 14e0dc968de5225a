"""What one batch by itself cannot show: drift against the batches before, and control totals."""

from typing import Any

import pytest

from wardlake.quality import Verdict, judge_source
from wardlake.quality.drift import judge_drift
from wardlake.quality.figures import LEAST_ROWS, Figures
from wardlake.quality.meta import DriftRule
from wardlake.window import Window

META = {
    "dimension": "plausibility",
    "severity": "warning",
    "owner": "data team",
    "why": "Because the test says so.",
    "threshold_why": "Because the test says so.",
}
STAY = {"id": "BIGINT", "ward": "VARCHAR", "days": "DOUBLE"}


def drift(measure: str, column: str, threshold: float, action: str = "warn", **more: Any) -> dict[str, Any]:
    named = {"rule_id": f"clinic.stay.{column}_moved", "measure": measure, "column": column, "threshold": threshold}
    return {**META, **named, "action": action, **more}


def send(quality: Any, make: Any, number: int, rows: str) -> Verdict:
    quality.batch("stay", rows, window=Window.parse(f"2026-01-0{number}/2026-01-0{number + 1}"))
    (verdict,) = judge_source(quality.settings, make.clinic(stay=STAY))
    return verdict


def rows(wards: str = "i % 2", days: str = "i % 5", count: int = 400) -> str:
    return f"SELECT i AS id, 'W' || ({wards}) AS ward, ({days})::DOUBLE AS days FROM range({count}) t(i)"


def statuses(verdict: Verdict) -> dict[str, str]:
    return {rule.rule_id.split(".")[2]: rule.status for rule in verdict.rules if rule.limit is not None}


@pytest.fixture
def watched(quality: Any, make: Any) -> Any:
    """Suite of a table whose wards, days and gaps are compared with the batches before."""

    def write(**more: Any) -> None:
        rules = [drift("shares", "ward", 0.25), drift("mean", "days", 0.5, "halt"), drift("null_share", "id", 5)]
        quality.suite(
            "stay",
            make.rule("days", "expect_column_values_to_be_between", column="days", min_value=0),
            drift=[rule | more for rule in rules],
        )

    write()
    return write


def test_a_first_batch_has_nothing_to_be_compared_with_and_is_not_wholly_green(
    quality: Any, make: Any, watched: Any
) -> None:
    verdict = send(quality, make, 1, rows())
    assert set(statuses(verdict).values()) == {"not_applicable"}
    assert verdict.status == "passed"
    assert verdict.unapplied == 3


def test_a_column_that_moves_is_told_with_how_far(quality: Any, make: Any, watched: Any) -> None:
    send(quality, make, 1, rows())
    assert set(statuses(send(quality, make, 2, rows())).values()) == {"passed"}
    moved = send(quality, make, 3, rows(wards="i % 20 // 19"))
    assert statuses(moved) == {"ward_moved": "failed", "days_moved": "passed", "id_moved": "passed"}
    (told,) = [rule.told for rule in moved.rules if rule.status == "failed"]
    assert told == ("clinic.stay.ward_moved (1.32 population stability index away from 2 batches before, 0.25 allowed)")
    assert moved.status == "warned"


def test_a_halted_batch_is_none_that_later_ones_are_compared_with(quality: Any, make: Any, watched: Any) -> None:
    send(quality, make, 1, rows())
    assert send(quality, make, 2, rows(days="i % 5 + 10")).status == "halted"
    assert send(quality, make, 3, rows(days="i % 5 + 10")).status == "halted"
    assert send(quality, make, 4, rows()).status == "passed"


def test_gaps_that_grow_are_told(quality: Any, make: Any, watched: Any) -> None:
    send(quality, make, 1, rows())
    grown = rows().replace("i AS id", "CASE WHEN i >= 40 THEN i END AS id")
    assert statuses(send(quality, make, 2, grown))["id_moved"] == "failed"


def test_a_new_limit_of_drift_is_judged_without_reading_the_batch(quality: Any, make: Any, watched: Any) -> None:
    send(quality, make, 1, rows())
    assert statuses(send(quality, make, 2, rows(wards="i % 20 // 19")))["ward_moved"] == "failed"
    bucket = quality.settings.bucket("bronze")
    for key in [key for key in quality.lake.list(bucket) if key.endswith(".parquet")]:
        quality.lake.client.delete_object(Bucket=bucket, Key=key)
    watched(threshold=2.0)
    (verdict,) = judge_source(quality.settings, make.clinic(stay=STAY))
    assert statuses(verdict)["ward_moved"] == "passed"


def test_few_rows_prove_nothing_and_leave_no_figures(quality: Any, make: Any, watched: Any) -> None:
    verdict = send(quality, make, 1, rows(count=LEAST_ROWS - 1))
    assert verdict.figures["days"].mean is None
    assert verdict.figures["ward"].shares is None


def test_shares_are_compared_by_the_population_stability_index(make: Any) -> None:
    rule = DriftRule.model_validate(drift("shares", "ward", 0.25))
    former = Figures(rows=100, filled=100, shares={"A": 0.5, "B": 0.5})
    now = Figures(rows=100, filled=100, shares={"A": 0.8, "B": 0.2})
    (result,) = judge_drift(make.clinic(stay=STAY).tables["stay"], [rule], {"ward": now}, [{"ward": former}])
    # (0.8 - 0.5) ln(0.8 / 0.5) + (0.2 - 0.5) ln(0.2 / 0.5)
    assert result.measured == pytest.approx(0.41589, abs=1e-5)


def total(threshold_pct: float = 0) -> dict[str, Any]:
    return {
        **META,
        "rule_id": "clinic.stay.days_differ_from_control",
        "action": "halt",
        "total": "SELECT sum(days) FROM {batch}",
        "control": "SELECT sum(days) FROM control",
        "threshold_pct": threshold_pct,
    }


@pytest.mark.parametrize(
    ("control", "threshold", "status", "told"),
    [
        ("100.0", 0, "passed", None),
        ("80.0", 0, "halted", "the sum differs from its control total by 25 %, 0 % allowed"),
        ("80.0", 25, "passed", None),
        ("NULL", 0, "passed", "no control total has come"),
    ],
)
def test_a_sum_is_compared_with_the_control_total_that_came_with_it(
    quality: Any, make: Any, control: str, threshold: float, status: str, told: str | None
) -> None:
    source = make.clinic(stay=STAY, control={"day": "VARCHAR", "days": "DOUBLE"})
    quality.suite(
        "stay", make.rule("id", "expect_column_values_to_not_be_null", column="id"), totals=[total(threshold)]
    )
    quality.batch("stay", "SELECT i AS id, 'W' AS ward, 10.0::DOUBLE AS days FROM range(10) t(i)")
    quality.batch("control", f"SELECT 'x' AS day, {control}::DOUBLE AS days")
    stay, _ = judge_source(quality.settings, source)
    (rule,) = [rule for rule in stay.rules if rule.rule_id.endswith("control")]
    assert (stay.status, rule.message) == (status, told)
    assert (rule.status == "not_applicable") == (control == "NULL")


def test_a_control_total_that_is_no_number_is_an_error(quality: Any, make: Any) -> None:
    source = make.clinic(stay=STAY)
    wrong = total() | {"control": "SELECT ward FROM {batch}"}
    quality.suite("stay", make.rule("id", "expect_column_values_to_not_be_null", column="id"), totals=[wrong])
    quality.batch("stay", "SELECT 1 AS id, 'Zq9Secret' AS ward, 1.0::DOUBLE AS days")
    (verdict,) = judge_source(quality.settings, source)
    assert verdict.status == "error"
    assert "one number each" in verdict.model_dump_json()
    assert "Zq9Secret" not in verdict.model_dump_json()


@pytest.mark.parametrize("measure", ["shares", "mean"])
def test_no_figure_of_a_classed_column_is_kept(quality: Any, make: Any, measure: str) -> None:
    source = make.clinic(stay=STAY)
    columns = source.tables["stay"].columns
    named = columns | {"ward": columns["ward"].model_copy(update={"pii": "name"})}
    source.tables["stay"] = source.tables["stay"].model_copy(update={"columns": named})
    quality.suite(
        "stay",
        make.rule("id", "expect_column_values_to_not_be_null", column="id"),
        drift=[drift(measure, "ward", 0.25)],
    )
    quality.batch("stay", rows(wards="'Zq9Secret'"))
    (verdict,) = judge_source(quality.settings, source)
    assert verdict.status == "error"
    assert "which is classed name; take null_share" in verdict.model_dump_json()
    assert "Zq9Secret" not in verdict.model_dump_json()


def test_a_day_has_no_mean(quality: Any, make: Any) -> None:
    source = make.clinic(stay={"id": "BIGINT", "day": "DATE"})
    quality.suite(
        "stay",
        make.rule("id", "expect_column_values_to_not_be_null", column="id"),
        drift=[drift("mean", "day", 0.5)],
    )
    quality.batch("stay", "SELECT 1 AS id, DATE '2026-01-01' AS day")
    (verdict,) = judge_source(quality.settings, source)
    assert [rule.message for rule in verdict.rules if rule.status == "error"] == [
        "'day' is of type DATE, which has no mean"
    ]
