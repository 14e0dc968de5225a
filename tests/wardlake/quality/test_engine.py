"""The engine against the same predicates in Python, on random tables; and what it fetches."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardlake.quality.meta import RuleMeta
from wardlake.quality.rows import write_rows
from wardlake.quality.suites import Rule

Row = tuple[int | None, int | None, str | None]
Predicate = Callable[[list[Row]], list[bool]]

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-5, 5),
        st.none() | st.integers(-5, 5),
        st.none() | st.sampled_from(["A", "B", "a", "", "A B", "%", "'", "Ä", "9-10"]),
    ),
    max_size=30,
)


def rule_of(type_: str, **kwargs: Any) -> Rule:
    meta = RuleMeta(
        rule_id="clinic.stay.rule",
        dimension="plausibility",
        severity="warning",
        action="quarantine",
        why="Because the test says so.",
        threshold_pct=0,
        threshold_why="The test tolerates none.",
        owner="data team",
    )
    return Rule(meta, type_, kwargs)


def repeated(values: list[Any]) -> list[bool]:
    counted = Counter(values)
    return [value is not None and counted[value] > 1 for value in values]


def row_wise(breaks: Callable[[Row], bool]) -> Predicate:
    return lambda rows: [breaks(row) for row in rows]


CASES: list[tuple[str, Rule, Predicate]] = [
    (
        "not null",
        rule_of("expect_column_values_to_not_be_null", column="a"),
        row_wise(lambda row: row[0] is None),
    ),
    (
        "between",
        rule_of("expect_column_values_to_be_between", column="a", min_value=-1, max_value=1),
        row_wise(lambda row: row[0] is not None and not -1 <= row[0] <= 1),
    ),
    (
        "strictly above",
        rule_of("expect_column_values_to_be_between", column="a", min_value=1, strict_min=True),
        row_wise(lambda row: row[0] is not None and not row[0] > 1),
    ),
    (
        "in set",
        rule_of("expect_column_values_to_be_in_set", column="a", value_set=[1]),
        row_wise(lambda row: row[0] is not None and row[0] != 1),
    ),
    (
        "not in set",
        rule_of("expect_column_values_to_not_be_in_set", column="text", value_set=["A", "'", "%"]),
        row_wise(lambda row: row[2] in ("A", "'", "%")),
    ),
    (
        "regex",
        rule_of("expect_column_values_to_match_regex", column="text", regex="^[A-ZÄ]"),
        row_wise(lambda row: row[2] is not None and row[2][:1] not in ("A", "B", "Ä")),
    ),
    (
        "no range",
        rule_of("expect_column_values_to_not_match_regex", column="text", regex="[0-9]-[0-9]"),
        row_wise(lambda row: row[2] == "9-10"),
    ),
    (
        "length",
        rule_of("expect_column_value_lengths_to_be_between", column="text", min_value=1, max_value=1),
        row_wise(lambda row: row[2] is not None and len(row[2]) != 1),
    ),
    (
        "pair",
        rule_of(
            "expect_column_pair_values_a_to_be_greater_than_b",
            column_A="a",
            column_B="b",
            or_equal=True,
            ignore_row_if="either_value_is_missing",
        ),
        row_wise(lambda row: row[0] is not None and row[1] is not None and row[0] < row[1]),
    ),
    (
        "with a condition",
        rule_of(
            "expect_column_values_to_be_between",
            column="a",
            min_value=0,
            row_condition='col("b") > 0',
            condition_parser="great_expectations",
        ),
        row_wise(lambda row: row[1] is not None and row[1] > 0 and row[0] is not None and row[0] < 0),
    ),
    (
        "unique",
        rule_of("expect_column_values_to_be_unique", column="text"),
        lambda rows: repeated([row[2] for row in rows]),
    ),
    (
        "unique together",
        rule_of("expect_compound_columns_to_be_unique", column_list=["a", "b"]),
        lambda rows: repeated([row[:2] if None not in row[:2] else None for row in rows]),
    ),
    (
        "query",
        rule_of("unexpected_rows_expectation", unexpected_rows_query="SELECT _row_id FROM {batch} WHERE a > b"),
        row_wise(lambda row: row[0] is not None and row[1] is not None and row[0] > row[1]),
    ),
]


def fill(connection: duckdb.DuckDBPyConnection, rows: list[Row]) -> None:
    connection.execute("CREATE TABLE _judged (_row_id BIGINT, a INTEGER, b INTEGER, text VARCHAR)")
    for number, row in enumerate(rows, start=1):
        connection.execute("INSERT INTO _judged VALUES (?, ?, ?, ?)", [number, *row])


@pytest.mark.parametrize(("rule", "breaks"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
@given(rows=ROWS)
@settings(max_examples=40, deadline=None)
def test_the_rows_found_are_those_that_break_the_predicate(
    rule: Rule, breaks: Predicate, rows: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    from wardlake.quality.engine import evaluate  # noqa: PLC0415  takes seconds to import

    path = tmp_path_factory.mktemp("rows") / "verdicts.parquet"
    expected = [number for number, is_broken in enumerate(breaks(rows), start=1) if is_broken]
    with duckdb.connect() as connection:
        fill(connection, rows)
        found = write_rows(connection, [rule], evaluate(connection, "_judged", [rule]), path)
        (outcome,) = found.outcomes
        named = connection.execute(f"SELECT _row_id FROM '{path}' ORDER BY ALL").fetchall() if path.exists() else []
    assert [row for (row,) in named] == expected
    assert outcome.unexpected == found.quarantined_rows == len(expected)
    assert outcome.status in (("failed",) if expected else ("passed", "not_applicable")), outcome.message


def test_only_counts_are_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from wardlake.quality import duckdb_metrics, engine  # noqa: PLC0415  takes seconds to import

    fetched: list[Any] = []
    execute = duckdb_metrics._Cursor.execute

    def watched(cursor: Any, *arguments: Any) -> None:
        execute(cursor, *arguments)
        fetched.extend(cursor._rows)

    monkeypatch.setattr(duckdb_metrics._Cursor, "execute", watched)
    rules = [rule for _, rule, _ in CASES]
    with duckdb.connect() as connection:
        fill(connection, [(number % 3 - 1, number % 2, "Ä") for number in range(50)])
        found = write_rows(connection, rules, engine.evaluate(connection, "_judged", rules), tmp_path / "rows.parquet")
    assert {outcome.status for outcome in found.outcomes} == {"passed", "failed"}
    # SQLAlchemy asks for the name of the schema when it connects
    assert {value for row in fetched for value in row if not isinstance(value, int | Decimal | None)} == {"main"}
    assert sum(len(row) for row in fetched) >= len(rules)
    assert len(fetched) < len(rules)


def test_column_rules_share_one_query(monkeypatch: pytest.MonkeyPatch) -> None:
    from wardlake.quality import duckdb_metrics, engine  # noqa: PLC0415  takes seconds to import

    queries: list[str] = []
    execute = duckdb_metrics._Cursor.execute

    def watched(cursor: Any, statement: str, *arguments: Any) -> None:
        queries.append(statement)
        execute(cursor, statement, *arguments)

    monkeypatch.setattr(duckdb_metrics._Cursor, "execute", watched)
    bounds = range(20)
    rules = [rule_of("expect_column_values_to_be_between", column="a", min_value=bound) for bound in bounds]
    with duckdb.connect() as connection:
        fill(connection, [(1, 1, "A")])
        assert len(engine.evaluate(connection, "_judged", rules)) == len(rules)
    assert len([query for query in queries if "_judged" in query]) <= 2
