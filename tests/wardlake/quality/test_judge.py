"""Batches are judged row by row, completely, once, and what cannot be judged is never passed."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from wardlake.bronze import Manifest
from wardlake.bronze.manifest import MANIFEST, batch_prefix
from wardlake.errors import PassingError, PermanentError
from wardlake.quality import Verdict, judge_source, suite_for, verdict_of
from wardlake.quality.verdicts import VERDICT

ROWS = """
    FROM (VALUES
        ('S1', 'W1', 10, 20, 'a@x'), ('S2', 'W2', 30, 20, NULL), ('S2', 'W9', 5, 6, 'b'),
        (NULL, 'W1', 1, 2, 'c@x'), ('S5', 'W1', NULL, 2, 'd@x')
    ) AS t(stay_id, ward, begun, ended, mail)
"""
STAY = {"stay_id": "VARCHAR", "ward": "VARCHAR", "begun": "INTEGER", "ended": "INTEGER", "mail": "VARCHAR"}
MARK = "Zq9Secret"


def found(verdict: Verdict) -> dict[str, tuple[str, int, int]]:
    return {rule.rule_id.split(".")[2]: (rule.status, rule.evaluated, rule.unexpected) for rule in verdict.rules}


def test_each_rule_finds_exactly_its_rows(quality: Any, make: Any) -> None:
    quality.suite(
        "stay",
        make.rule("id_missing", "expect_column_values_to_not_be_null", "quarantine", column="stay_id"),
        make.rule("id_twice", "expect_column_values_to_be_unique", column="stay_id"),
        make.rule(
            "ends_before",
            "expect_column_pair_values_a_to_be_greater_than_b",
            "quarantine",
            column_A="ended",
            column_B="begun",
            or_equal=True,
            ignore_row_if="either_value_is_missing",
        ),
        make.rule("mail", "expect_column_values_to_match_regex", column="mail", regex="@"),
        make.rule("no_mail_b", "expect_column_values_to_not_match_regex", column="mail", regex="^b$"),
        make.rule("ward_known", "expect_column_values_to_be_in_set", column="ward", value_set=["W1", "W2"]),
        make.rule("begun_range", "expect_column_values_to_be_between", column="begun", min_value=0, max_value=100),
        make.rule("both_twice", "expect_compound_columns_to_be_unique", column_list=["stay_id", "ward"]),
        make.rule("ward_twice", "expect_compound_columns_to_be_unique", column_list=["ward", "ended"]),
        make.rule(
            "mostly_known", "expect_column_values_to_be_in_set", column="ward", value_set=["W1"], threshold_pct=40
        ),
        make.rule(
            "only_in_w1",
            "expect_column_values_to_be_between",
            column="ended",
            min_value=1,
            max_value=2,
            row_condition='col("ward") == "W1"',
            condition_parser="great_expectations",
        ),
        make.query("ward_exists", "SELECT _row_id FROM {batch} ANTI JOIN ward USING (ward)", "quarantine"),
        make.query("fan_out", "SELECT b._row_id FROM {batch} AS b, ward WHERE b.mail = 'b'"),
        make.rule("enough", "expect_table_row_count_to_be_between", min_value=10),
    )
    quality.suite("ward", make.rule("w", "expect_column_values_to_be_unique", table="ward", column="ward"))
    quality.batch("stay", ROWS)
    quality.batch("ward", "SELECT unnest(['W1', 'W2']) AS ward")
    stay, ward = judge_source(quality.settings, make.clinic(stay=STAY, ward={"ward": "VARCHAR"}))
    assert found(stay) == {
        "id_missing": ("failed", 5, 1),
        "id_twice": ("failed", 4, 2),
        "ends_before": ("failed", 4, 1),
        "mail": ("failed", 4, 1),
        "no_mail_b": ("failed", 4, 1),
        "ward_known": ("failed", 5, 1),
        "begun_range": ("passed", 4, 0),
        "both_twice": ("passed", 5, 0),
        "ward_twice": ("failed", 5, 2),
        "mostly_known": ("passed", 5, 2),
        "only_in_w1": ("failed", 3, 1),
        "ward_exists": ("failed", 5, 1),
        "fan_out": ("failed", 5, 1),
        "enough": ("failed", 1, 1),
    }
    assert quality.flagged(stay.verdict_key) == [
        (1, "only_in_w1", "warn"),
        (2, "ends_before", "quarantine"),
        (2, "id_twice", "warn"),
        (2, "mostly_known", "warn"),
        (3, "fan_out", "warn"),
        (3, "id_twice", "warn"),
        (3, "mail", "warn"),
        (3, "mostly_known", "warn"),
        (3, "no_mail_b", "warn"),
        (3, "ward_exists", "quarantine"),
        (3, "ward_known", "warn"),
        (4, "id_missing", "quarantine"),
        (4, "ward_twice", "warn"),
        (5, "ward_twice", "warn"),
    ]
    assert (stay.status, stay.rows, stay.quarantined_rows) == ("quarantined", 5, 3)
    assert (ward.status, ward.quarantined_rows, ward.verdict_key) == ("passed", 0, None)


def test_progress_counts_tables_however_many_batches_they_have(quality: Any, make: Any) -> None:
    source = make.clinic(stay=STAY, ward={"ward": "VARCHAR"})
    source.tables["stay"] = source.tables["stay"].model_copy(update={"mode": "append"})
    for table in source.tables:
        quality.suite(table, make.query("none", "SELECT _row_id FROM {batch} WHERE false", table=table))
    quality.batch("stay", ROWS)
    quality.batch("stay", ROWS, window=make.next_day)
    quality.batch("ward", "SELECT 'W1' AS ward")
    shown: list[tuple[str, int, int]] = []
    assert len(judge_source(quality.settings, source, progress=lambda *told: shown.append(told))) == 3
    assert shown == [("stay", 1, 2), ("ward", 2, 2)]


@pytest.mark.parametrize(
    ("actions", "status"),
    [
        ((), "passed"),
        (("warn",), "warned"),
        (("warn", "quarantine"), "quarantined"),
        (("quarantine", "halt"), "halted"),
    ],
)
def test_the_gravest_action_is_the_status(quality: Any, make: Any, actions: tuple[str, ...], status: str) -> None:
    failing = [make.query(f"fails_{action}", "SELECT _row_id FROM {batch} WHERE id = 1", action) for action in actions]
    quality.suite("stay", make.rule("fine", "expect_column_values_to_not_be_null", column="id"), *failing)
    quality.batch("stay", "SELECT unnest([1, 2]) AS id")
    (verdict,) = judge_source(quality.settings, make.clinic(stay={"id": "INTEGER"}))
    assert verdict.status == status


@pytest.mark.parametrize(
    ("threshold_pct", "status"), [(0, "warned"), (0.56, "warned"), (0.57, "passed"), (0.58, "passed"), (100, "passed")]
)
def test_as_many_rows_as_the_threshold_may_break_a_rule(
    quality: Any, make: Any, threshold_pct: float, status: str
) -> None:
    small = "expect_column_values_to_be_between"
    quality.suite("stay", make.rule("small", small, column="id", max_value=9942, threshold_pct=threshold_pct))
    quality.batch("stay", "SELECT i AS id FROM range(10000) t(i)")
    (verdict,) = judge_source(quality.settings, make.clinic(stay={"id": "BIGINT"}))
    (rule,) = verdict.rules
    assert (verdict.status, rule.evaluated, rule.unexpected, rule.threshold_pct) == (status, 10000, 57, threshold_pct)
    assert len(quality.flagged(verdict.verdict_key)) == 57


@pytest.mark.parametrize(("share", "status"), [(10, "halted"), (20, "quarantined"), (30, "quarantined")])
def test_a_quarantine_of_too_many_rows_halts_the_batch(quality: Any, make: Any, share: float, status: str) -> None:
    small = make.rule("small", "expect_column_values_to_be_between", "quarantine", column="id", max_value=3)
    small["meta"]["halt_above_pct"] = share
    quality.suite("stay", small)
    quality.batch("stay", "SELECT unnest([0, 1, 2, 3, 4]) AS id")
    (verdict,) = judge_source(quality.settings, make.clinic(stay={"id": "INTEGER"}))
    assert (verdict.status, verdict.quarantined_rows) == (status, 1)


def test_a_table_of_which_all_rows_are_quarantined_is_halted_and_each_row_is_named(quality: Any, make: Any) -> None:
    quality.suite(
        "stay", make.rule("small", "expect_column_values_to_be_between", "quarantine", column="id", max_value=0)
    )
    quality.batch("stay", "SELECT i AS id FROM range(1, 3001) t(i)")
    (verdict,) = judge_source(quality.settings, make.clinic(stay={"id": "BIGINT"}))
    assert (verdict.status, verdict.rows, verdict.quarantined_rows) == ("halted", 3000, 3000)
    (told,) = [rule.told for rule in verdict.rules if rule.consequence == "halted"]
    assert "clinic.stay.all_rows_quarantined (Every row of the table is in quarantine" in told
    assert [row for row, _, _ in quality.flagged(verdict.verdict_key)] == list(range(1, 3001))


def test_a_batch_without_rows_is_not_a_good_batch(quality: Any, make: Any) -> None:
    rules = [
        make.rule("present", "expect_column_values_to_not_be_null", column="id"),
        make.rule("between", "expect_column_values_to_be_between", column="id", min_value=0),
        make.rule("mean", "expect_column_mean_to_be_between", column="id", min_value=0),
        make.rule("once", "expect_column_values_to_be_unique", column="id"),
        make.query("query", "SELECT _row_id FROM {batch} WHERE id < 0"),
    ]
    quality.suite("stay", *rules)
    quality.batch("stay", "SELECT 1 AS id WHERE false")
    halted = make.clinic(stay={"id": "INTEGER"})
    (verdict,) = judge_source(quality.settings, halted)
    assert verdict.status == "halted"
    (told,) = [rule.told for rule in verdict.rules if rule.consequence == "halted"]
    assert "clinic.stay.rows_were_lost (The table has no row, and there is no batch before it" in told
    assert "lower least_rows_pct of stay in dags/sources/clinic.yaml to 0" in told
    allowed = halted.tables["stay"].model_copy(update={"least_rows_pct": 0})
    source = halted.model_copy(update={"tables": {"stay": allowed}})
    (verdict,) = judge_source(quality.settings, source)
    assert {status for status, _, _ in found(verdict).values()} == {"not_applicable"}
    assert verdict.status == "not_applicable"
    quality.suite("stay", *rules, make.rule("rows", "expect_table_row_count_to_be_between", "halt", min_value=1))
    (verdict,) = judge_source(quality.settings, source)
    assert verdict.status == "halted"


def test_a_rule_on_an_empty_column_is_not_green(quality: Any, make: Any) -> None:
    quality.suite(
        "stay",
        make.rule("range", "expect_column_values_to_be_between", column="note", min_value=0),
        make.rule("present", "expect_column_values_to_not_be_null", column="note"),
    )
    quality.batch("stay", "SELECT 1 AS id, NULL::INTEGER AS note")
    (verdict,) = judge_source(quality.settings, make.clinic(stay={"id": "INTEGER", "note": "INTEGER"}))
    assert found(verdict) == {"range": ("not_applicable", 0, 0), "present": ("failed", 1, 1)}


def test_what_raises_is_an_error_and_the_other_rules_are_judged(quality: Any, make: Any) -> None:
    quality.suite(
        "stay",
        make.rule("fine", "expect_column_values_to_not_be_null", column="id"),
        make.query("casts", "SELECT _row_id FROM {batch} WHERE id::INTEGER > 0"),
        make.rule("not_a_text", "expect_column_values_to_be_between", column="id", min_value=5),
        make.query("no_table", "SELECT _row_id FROM {batch} ANTI JOIN nowhere USING (id)"),
        make.rule("column_gone", "expect_column_values_to_not_be_null", column="gone"),
        make.rule("no_rows_named", "expect_column_mean_to_be_between", "quarantine", column="number", min_value=9),
        make.rule("unheard_of", "expect_the_moon", column="id"),
        make.rule("bites", "expect_column_values_to_be_in_set", column="id", value_set=["x"]),
    )
    quality.batch("stay", f"SELECT '{MARK}' AS id, 1 AS number")
    source = make.clinic(stay={"id": "VARCHAR", "number": "INTEGER"})
    (verdict,) = judge_source(quality.settings, source)
    results = {rule.rule_id.split(".")[2]: rule for rule in verdict.rules}
    assert verdict.status == "error"
    assert results["fine"].status == "passed"
    assert (results["bites"].status, results["bites"].unexpected) == ("failed", 1)
    wrong = {name for name, result in results.items() if result.status == "error"}
    assert wrong == {"casts", "not_a_text", "no_table", "column_gone", "no_rows_named", "unheard_of"}
    assert results["column_gone"].message == "the batch has no column gone"
    assert "nowhere" in str(results["no_table"].message)
    assert "rows that could be quarantined" in str(results["no_rows_named"].message)
    assert MARK not in verdict.model_dump_json()


def test_an_error_is_not_stored_and_is_judged_again(quality: Any, make: Any) -> None:
    quality.suite("stay", make.query("needs_ward", "SELECT _row_id FROM {batch} ANTI JOIN ward USING (ward)"))
    quality.suite("ward", make.rule("w", "expect_column_values_to_be_unique", table="ward", column="ward"))
    quality.batch("stay", "SELECT 'W1' AS ward")
    source = make.clinic(stay={"ward": "VARCHAR"}, ward={"ward": "VARCHAR"})
    assert [verdict.status for verdict in judge_source(quality.settings, source)] == ["error"]
    assert quality.lake.list(quality.settings.bucket("quality"), "quality/clinic/") == []
    quality.batch("ward", "SELECT 'W1' AS ward")
    assert [verdict.status for verdict in judge_source(quality.settings, source)] == ["passed", "passed"]


def test_judging_again_gives_the_stored_verdict(quality: Any, make: Any) -> None:
    quality.suite("stay", make.rule("small", "expect_column_values_to_be_between", column="id", max_value=0))
    manifest = quality.batch("stay", "SELECT 1 AS id")
    source = make.clinic(stay={"id": "INTEGER"})
    first = judge_source(quality.settings, source)
    before = quality.lake.list(quality.settings.bucket("quality"))
    assert judge_source(quality.settings, source) == first
    assert quality.lake.list(quality.settings.bucket("quality")) == before
    version = suite_for(quality.settings, source, "stay").version
    assert verdict_of(quality.lake, quality.settings, manifest, version) == first[0]


def test_a_new_suite_judges_again_and_the_former_verdict_stays(quality: Any, make: Any) -> None:
    limits = []
    manifest = quality.batch("stay", "SELECT unnest([1, 2, 3]) AS id")
    source = make.clinic(stay={"id": "INTEGER"})
    for limit in (1, 2):
        quality.suite(
            "stay", make.rule("small", "expect_column_values_to_be_between", "quarantine", column="id", max_value=limit)
        )
        (verdict,) = judge_source(quality.settings, source)
        limits.append((verdict.suite_version, verdict.quarantined_rows))
    assert [quarantined for _, quarantined in limits] == [2, 1]
    for version, quarantined in limits:
        stored = verdict_of(quality.lake, quality.settings, manifest, version)
        assert stored is not None
        assert stored.quarantined_rows == quarantined


def test_concurrent_judges_end_in_one_verdict(quality: Any, make: Any) -> None:
    quality.suite("stay", make.rule("small", "expect_column_values_to_be_between", column="id", max_value=5))
    quality.batch("stay", "SELECT i AS id FROM range(10) t(i)")
    source = make.clinic(stay={"id": "BIGINT"})
    barrier = threading.Barrier(4)

    def judge() -> Verdict:
        barrier.wait()
        return judge_source(quality.settings, source)[0]

    with ThreadPoolExecutor(4) as pool:
        verdicts = [future.result() for future in [pool.submit(judge) for _ in range(4)]]
    assert all(verdict == verdicts[0] for verdict in verdicts)
    keys = quality.lake.list(quality.settings.bucket("quality"))
    assert sum(key.endswith(VERDICT) for key in keys) == 1
    assert verdicts[0].verdict_key in keys
    assert [row for row, _, _ in quality.flagged(verdicts[0].verdict_key)] == [7, 8, 9, 10]


def test_only_the_newest_snapshot_is_judged_and_seen(quality: Any, make: Any) -> None:
    quality.suite("stay", make.query("lonely", "SELECT _row_id FROM {batch} ANTI JOIN ward USING (ward)"))
    quality.suite("ward", make.rule("w", "expect_column_values_to_be_unique", table="ward", column="ward"))
    quality.batch("ward", "SELECT 'W1' AS ward")
    newest = quality.batch("ward", "SELECT 'W2' AS ward", window=make.next_day)
    quality.batch("stay", "SELECT unnest(['W1', 'W2']) AS ward")
    stay, ward = judge_source(quality.settings, make.clinic(stay={"ward": "VARCHAR"}, ward={"ward": "VARCHAR"}))
    assert quality.flagged(stay.verdict_key) == [(1, "lonely", "warn")]
    assert ward.batch_id == newest.batch_id


def test_a_batch_without_files_has_no_rows(quality: Any, make: Any) -> None:
    quality.suite("stay", make.rule("present", "expect_column_values_to_not_be_null", column="id"))
    full = quality.batch("stay", "SELECT 1 AS id")
    empty: Manifest = full.model_copy(
        update={"files": [], "lake_rows": 0, "source_rows": 0, "batch_id": "29990101T000000Z-000000000000"}
    )
    empty = empty.model_copy(
        update={"window_start": datetime(2999, 1, 1, tzinfo=UTC), "window_end": datetime(2999, 1, 2, tzinfo=UTC)}
    )
    key = batch_prefix("clinic", "stay", empty.batch_id) + MANIFEST
    quality.lake.put_if_absent(quality.settings.bucket("bronze"), key, empty.model_dump_json().encode())
    (verdict,) = judge_source(quality.settings, make.clinic(stay={"id": "INTEGER"}))
    assert (verdict.batch_id, verdict.rows, verdict.status) == (empty.batch_id, 0, "halted")


def test_a_missing_file_is_no_fault_of_a_rule(quality: Any, make: Any) -> None:
    quality.suite("stay", make.rule("present", "expect_column_values_to_not_be_null", column="id"))
    manifest = quality.batch("stay", "SELECT 1 AS id")
    quality.lake.client.delete_object(Bucket=quality.settings.bucket("bronze"), Key=manifest.files[0].key)
    with pytest.raises((PassingError, PermanentError), match="clinic"):
        judge_source(quality.settings, make.clinic(stay={"id": "INTEGER"}))


def test_wrong_credentials_are_told_and_nothing_is_passed(quality: Any, make: Any) -> None:
    quality.suite("stay", make.rule("present", "expect_column_values_to_not_be_null", column="id"))
    quality.batch("stay", "SELECT 1 AS id")
    wrong = quality.settings.model_copy(update={"s3_access_key_id": "nobody"})
    with pytest.raises(PermanentError, match="refused the credentials"):
        judge_source(wrong, make.clinic(stay={"id": "INTEGER"}))


def test_no_value_leaves_the_batch(quality: Any, make: Any, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    caplog.set_level(logging.DEBUG)
    quality.suite(
        "stay",
        make.rule("once", "expect_column_values_to_be_unique", column="name"),
        make.rule("set", "expect_column_values_to_be_in_set", column="name", value_set=["Nobody"]),
        make.rule("regex", "expect_column_values_to_match_regex", column="name", regex="^[a-z]+$"),
        make.rule("length", "expect_column_value_lengths_to_be_between", column="name", max_value=3),
        make.rule("combination", "expect_compound_columns_to_be_unique", column_list=["name", "mail"]),
        make.rule("casts", "expect_column_values_to_be_between", column="name", min_value=1),
        make.query("query", "SELECT _row_id, name FROM {batch}", "quarantine"),
        make.query("raises", "SELECT _row_id FROM {batch} WHERE name::INTEGER = 1"),
    )
    manifest = quality.batch("stay", f"SELECT '{MARK}' AS name, '{MARK}@x' AS mail FROM range(2)")
    stored = set(quality.lake.list(quality.settings.bucket("quality")))
    (verdict,) = judge_source(quality.settings, make.clinic(stay={"name": "VARCHAR", "mail": "VARCHAR"}))
    assert {status for status, _, _ in found(verdict).values()} == {"failed", "error"}
    assert MARK not in verdict.model_dump_json()
    assert MARK not in caplog.text
    assert not any(record.name.startswith("great_expectations") for record in caplog.records)
    assert MARK not in "".join(capfd.readouterr())
    assert MARK.encode() in quality.lake.get(quality.settings.bucket("bronze"), manifest.files[0].key)
    quality.suite("stay", make.query("query", "SELECT _row_id, name FROM {batch}", "quarantine"))
    judge_source(quality.settings, make.clinic(stay={"name": "VARCHAR", "mail": "VARCHAR"}))
    written = set(quality.lake.list(quality.settings.bucket("quality"))) - stored
    assert {key.split("/")[-1] for key in written} >= {"_verdict.json", "_ledger_head.json"}
    assert all(MARK.encode() not in quality.lake.get(quality.settings.bucket("quality"), key) for key in written)
