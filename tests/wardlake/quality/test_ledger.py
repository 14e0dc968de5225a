"""The ledger: verdicts and reports are entered, writers at once lose nothing, and whatever is altered is named."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wardlake.errors import PermanentError
from wardlake.ledger import SignOff, append, open_ledger, verify
from wardlake.ledger.chain import HINT, entry_key
from wardlake.quality import judge_source, report_run
from wardlake.settings import Settings

RUN = "20260102T030405000000Z-0123abcd"


def signed(number: int) -> SignOff:
    return SignOff(
        run_id=f"run-{number}", report_sha256="0" * 64, decision="approved", signed_by="A. Auditor", remark="seen"
    )


def judged(quality: Any, make: Any) -> Settings:
    """A clinic of which two batches were judged, and their run reported; two rows are in quarantine."""
    quality.suite(
        "stay",
        make.query("odd", "SELECT _row_id FROM {batch} WHERE id > 8", "quarantine"),
        make.rule("known", "expect_column_values_to_not_be_null", column="id"),
    )
    quality.suite("ward", make.rule("known", "expect_column_values_to_not_be_null", table="ward", column="ward"))
    quality.batch("stay", "SELECT i AS id FROM range(1, 11) AS t(i)")
    quality.batch("ward", "SELECT 'W1' AS ward")
    source = make.clinic(stay={"id": "BIGINT"}, ward={"ward": "VARCHAR"})
    verdicts = judge_source(quality.settings, source, dag_run="extract_clinic/manual")
    report_run(quality.settings, run_id=RUN, exposed=[], verdicts=verdicts, dag_run="build_gold/manual")
    return quality.settings


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with open_ledger(settings) as ledger:
        return ledger.execute(sql).fetchall()


def test_every_result_is_in_the_tables_whether_it_passed_or_not(quality: Any, make: Any) -> None:
    settings = judged(quality, make)
    assert rows(
        settings,
        "SELECT dag_run, table_name, rule_id, status, evaluated, unexpected FROM quality.results ORDER BY ALL",
    ) == [
        ("extract_clinic/manual", "stay", "clinic.stay.known", "passed", 10, 0),
        ("extract_clinic/manual", "stay", "clinic.stay.odd", "failed", 10, 2),
        ("extract_clinic/manual", "ward", "clinic.ward.known", "passed", 1, 0),
    ]
    assert rows(
        settings,
        "SELECT table_name, status, rows, quarantined_rows, passed_rules, failed_rules, length(manifest_sha256), "
        "length(verdict_sha256), length(rows_sha256), length(suite_sha256) FROM quality.verdict_counts ORDER BY ALL",
    ) == [("stay", "quarantined", 10, 2, 1, 1, 64, 64, 64, 64), ("ward", "passed", 1, 0, 1, 0, 64, 64, None, 64)]
    assert rows(settings, "SELECT run_id, dag_run, status, quarantined_rows FROM quality.runs") == [
        (RUN, "build_gold/manual", "quarantined", 2)
    ]
    assert rows(settings, "SELECT run_id, table_name FROM quality.run_batches ORDER BY ALL") == [
        (RUN, "stay"),
        (RUN, "ward"),
    ]


def test_a_batch_that_was_judged_already_is_not_entered_again(quality: Any, make: Any) -> None:
    settings = judged(quality, make)
    before = verify(settings)
    judge_source(settings, make.clinic(stay={"id": "BIGINT"}, ward={"ward": "VARCHAR"}))
    assert verify(settings) == before
    assert before.problems == []
    assert before.entries == 2


def test_a_verdict_that_a_killed_process_left_is_entered_by_the_next(
    quality: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    quality.suite("stay", make.rule("known", "expect_column_values_to_not_be_null", column="id"))
    quality.batch("stay", "SELECT 1 AS id")
    source = make.clinic(stay={"id": "INTEGER"})
    with monkeypatch.context() as patch:
        patch.setattr("wardlake.quality.keeping.append", killed)
        with pytest.raises(KeyboardInterrupt):
            judge_source(quality.settings, source)
    (left,) = verify(quality.settings).problems
    assert "No entry of the ledger speaks of quality/clinic/stay/" in left
    judge_source(quality.settings, source)
    assert verify(quality.settings).problems == []
    assert rows(quality.settings, "SELECT status FROM quality.results") == [("passed",)]


def test_a_rule_that_could_not_be_evaluated_is_entered_as_an_error(quality: Any, make: Any) -> None:
    quality.suite("stay", make.query("raises", "SELECT _row_id FROM {batch} WHERE error('no')"))
    quality.batch("stay", "SELECT 1 AS id")
    judge_source(quality.settings, make.clinic(stay={"id": "INTEGER"}))
    assert rows(quality.settings, "SELECT status FROM quality.results") == [("error",)]
    assert verify(quality.settings).problems == []


def test_writers_at_once_lose_nothing(settings: Settings, quality: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: append(settings, quality.lake, signed(number)), range(24)))
    proof = verify(settings)
    assert (proof.entries, proof.problems) == (24, [])
    assert {run for (run,) in rows(settings, "SELECT run_id FROM quality.signoffs")} == {f"run-{n}" for n in range(24)}


def test_the_hint_of_the_head_may_be_lost_or_late(settings: Settings, quality: Any) -> None:
    bucket = settings.bucket("quality")
    append(settings, quality.lake, signed(1))
    late = quality.lake.get(bucket, HINT)
    append(settings, quality.lake, signed(2))
    quality.lake.put(bucket, HINT, late)
    append(settings, quality.lake, signed(3))
    quality.lake.delete(bucket, HINT)
    assert append(settings, quality.lake, signed(4)).sequence == 4
    assert verify(settings).problems == []


def test_the_report_of_a_run_is_never_replaced(quality: Any, make: Any) -> None:
    settings = judged(quality, make)
    first = (settings.reports_dir / f"{RUN}.html").read_bytes()
    path = report_run(settings, run_id=RUN, exposed=[], verdicts=[])
    assert path.read_bytes() == first
    assert len(rows(settings, "FROM quality.runs")) == 1


def change_status(body: bytes) -> bytes:
    assert b'"failed"' in body
    return body.replace(b'"failed"', b'"passed"')


def key_ending(settings: Settings, quality: Any, layer: str, ending: str) -> tuple[str, str]:
    bucket = settings.bucket(layer)
    return bucket, next(key for key in quality.lake.list(bucket) if "stay" in key and key.endswith(ending))


ALTERED: dict[str, tuple[str, str, Callable[[bytes], bytes], str]] = {
    "a result in the chain": ("quality", entry_key(1), change_status, "Entry 1 of the ledger is another one by"),
    "a run in the chain": (
        "quality",
        entry_key(2),
        lambda body: body.replace(b'"status":"quarantined"', b'"status":"passed"'),
        "Entry 2 of the ledger is another one by",
    ),
    "a verdict": ("quality", "_verdict.json", change_status, "The verdict on clinic.stay"),
    "rows of a verdict": ("quality", ".parquet", lambda body: body + b" ", "The list of rows of the verdict on clinic"),
    "a manifest": (
        "bronze",
        "_manifest.json",
        lambda body: body.replace(b'"lake_rows": 10', b'"lake_rows": 12'),
        "The manifest of clinic.stay",
    ),
    "the report": (
        "quality",
        f"{RUN}.html",
        lambda body: body.replace(b"quarantine", b"order"),
        f"The report of run {RUN}",
    ),
}


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_is_named(quality: Any, make: Any, what: str) -> None:
    settings = judged(quality, make)
    layer, ending, alter, told = ALTERED[what]
    if "/" in ending or ending.endswith(".html"):
        bucket = settings.bucket(layer)
        key = next(key for key in quality.lake.list(bucket) if key.endswith(ending))
    else:
        bucket, key = key_ending(settings, quality, layer, ending)
    before = quality.lake.get(bucket, key)
    assert alter(before) != before
    quality.lake.put(bucket, key, alter(before))
    problems = verify(settings).problems
    assert problems
    assert told in problems[0]


def test_an_entry_that_is_gone_is_named(quality: Any, make: Any) -> None:
    settings = judged(quality, make)
    append(settings, quality.lake, signed(3))
    quality.lake.delete(settings.bucket("quality"), entry_key(2))
    assert verify(settings).problems[0].startswith("Entry 2 of the ledger is gone")


def test_a_chain_that_was_written_anew_is_betrayed_by_the_heads_beside_the_verdicts(quality: Any, make: Any) -> None:
    settings = judged(quality, make)
    bucket, lake = settings.bucket("quality"), quality.lake
    for key in lake.list(bucket, "quality/_ledger"):
        lake.delete(bucket, key)
    append(settings, lake, signed(1))
    problems = verify(settings).problems
    assert "Entry 1 of the ledger is another one by quality/clinic/" in problems[0]


def test_a_chain_without_its_end_is_betrayed_by_the_heads_beside_the_verdicts(quality: Any, make: Any) -> None:
    settings = judged(quality, make)
    bucket, lake = settings.bucket("quality"), quality.lake
    for number in (1, 2):
        lake.delete(bucket, entry_key(number))
    assert "Entry 1 of the ledger is gone by quality/clinic/" in verify(settings).problems[0]


def test_a_table_that_was_altered_here_is_named(quality: Any, make: Any) -> None:
    settings = judged(quality, make)
    assert verify(settings).problems == []
    with duckdb.connect(settings.home / "ledger.duckdb") as connection:
        connection.execute("UPDATE quality.results SET status = 'passed'")
    (problem,) = verify(settings).problems
    assert "quality.results" in problem


def test_a_report_that_was_altered_on_disk_is_named(quality: Any, make: Any) -> None:
    settings = judged(quality, make)
    path = Path(settings.reports_dir / f"{RUN}.html")
    path.write_text(path.read_text().replace("quarantine", "order"))
    (problem,) = verify(settings).problems
    assert str(settings.reports_dir) in problem


def test_one_day_is_compared_alone(quality: Any, make: Any) -> None:
    settings = judged(quality, make)
    assert verify(settings, datetime.now(UTC).date()).objects == verify(settings).objects > 0
    assert verify(settings, datetime(2020, 1, 1, tzinfo=UTC).date()).objects == 0


def test_no_value_reaches_the_ledger(quality: Any, make: Any) -> None:
    quality.suite(
        "stay",
        make.rule("set", "expect_column_values_to_be_in_set", "quarantine", column="name", value_set=["Nobody"]),
        make.query("raises", "SELECT _row_id FROM {batch} WHERE name::INTEGER = 1"),
    )
    quality.batch("stay", "SELECT 'Zq9Secret' AS name FROM range(3)")
    judge_source(quality.settings, make.clinic(stay={"name": "VARCHAR"}))
    bucket = quality.settings.bucket("quality")
    for key in quality.lake.list(bucket):
        assert b"Zq9Secret" not in quality.lake.get(bucket, key), key
    assert b"Zq9Secret" not in (quality.lake.get(bucket, entry_key(1)))
    assert json.loads(quality.lake.get(bucket, entry_key(1)))["content"]["batches"]


def test_tables_say_which_entry_cannot_be_read(quality: Any, make: Any) -> None:
    settings = judged(quality, make)
    quality.lake.put(settings.bucket("quality"), entry_key(1), b"{}")
    (settings.home / "ledger.duckdb").unlink()
    with pytest.raises(PermanentError, match="Entry 1 of the quality ledger"), open_ledger(settings):
        pass
