"""Batches are judged row by row, completely, once, and no value is kept."""

from typing import Any

from wardlake.quality import judge_source
from wardlake.quality.verdicts import Verdict

ROWS = """
    FROM (VALUES
        ('S1', 'W1', 10, 20, 'a@x'), ('S2', 'W2', 30, 20, NULL), ('S2', 'W9', 5, 6, 'b'),
        (NULL, 'W1', 1, 2, 'c@x'), ('S5', 'W1', NULL, 2, 'd@x')
    ) AS t(stay_id, ward, begun, ended, mail)
"""


def statuses(verdict: Verdict) -> dict[str, tuple[str, int, int]]:
    return {
        result.rule_id.split(".")[2]: (result.status, result.evaluated, result.unexpected) for result in verdict.rules
    }


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
        make.query("ward_exists", "SELECT _row_id FROM {batch} ANTI JOIN ward USING (ward)", "quarantine"),
        make.rule("enough", "expect_table_row_count_to_be_between", min_value=10),
    )
    quality.suite("ward", make.rule("w", "expect_column_values_to_be_unique", table="ward", column="ward"))
    quality.batch("stay", ROWS)
    quality.batch("ward", "SELECT unnest(['W1', 'W2']) AS ward")
    source = make.clinic(
        stay={"stay_id": "VARCHAR", "ward": "VARCHAR", "begun": "INTEGER", "ended": "INTEGER", "mail": "VARCHAR"},
        ward={"ward": "VARCHAR"},
    )
    stay, ward = judge_source(quality.settings, source)
    assert statuses(stay) == {
        "id_missing": ("failed", 5, 1),
        "id_twice": ("failed", 4, 2),
        "ends_before": ("failed", 4, 1),
        "mail": ("failed", 4, 1),
        "no_mail_b": ("failed", 4, 1),
        "ward_known": ("failed", 5, 1),
        "begun_range": ("passed", 4, 0),
        "both_twice": ("passed", 5, 0),
        "ward_exists": ("failed", 5, 1),
        "enough": ("failed", 1, 1),
    }
    assert quality.flagged(stay.verdict_key) == [
        (2, "ends_before", "quarantine"),
        (2, "id_twice", "warn"),
        (3, "id_twice", "warn"),
        (3, "mail", "warn"),
        (3, "no_mail_b", "warn"),
        (3, "ward_exists", "quarantine"),
        (3, "ward_known", "warn"),
        (4, "id_missing", "quarantine"),
    ]
    assert (stay.status, stay.rows, stay.quarantined_rows) == ("quarantined", 5, 3)
    assert (ward.status, ward.quarantined_rows, ward.verdict_key) == ("passed", 0, None)
