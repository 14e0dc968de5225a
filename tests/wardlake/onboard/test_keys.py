"""The smallest set of columns that names a row."""

from collections.abc import Sequence

import duckdb
import pytest

from wardlake.onboard.found import FoundColumn, FoundTable, create_text_sample
from wardlake.onboard.keys import SuggestedKeys, suggest_keys
from wardlake.onboard.profile import profile


def keys_of(
    names: Sequence[str], rows: Sequence[Sequence[str | None]], declared: tuple[str, ...] = ()
) -> SuggestedKeys:
    columns = tuple(map(FoundColumn, names))
    table = FoundTable("t", "", {}, columns, "sample", declared_keys=declared)
    with duckdb.connect() as engine:
        create_text_sample(engine, "sample", names, rows)
        return suggest_keys(engine, table, {name: profile(engine, "sample", FoundColumn(name)) for name in names})


GRID = [(f"2024-01-{day:02}", ward, shift, str(day * 7)) for day in range(1, 20) for ward in "AB" for shift in "DN"]


@pytest.mark.parametrize(
    ("names", "rows", "columns"),
    [
        (["beds", "ward_id"], [("1", "A"), ("2", "B")], ("ward_id",)),
        (["day", "ward", "shift", "hours"], GRID, ("day", "ward", "shift")),
        (["cost", "note", "seq"], [("1.5", "x", "1"), ("2.5", "x", "2")], ("seq",)),
        (["id", "line"], [(None, "1"), ("7", "2"), ("8", "3")], ("line",)),
        (["ward", "cost"], [("A", "1.5"), ("A", "2.5"), ("B", "1.5")], ("ward", "cost")),
    ],
)
def test_the_smallest_complete_set_is_found(
    names: list[str], rows: list[tuple[str, ...]], columns: tuple[str, ...]
) -> None:
    found = keys_of(names, rows)
    assert found.is_key
    assert found.columns == columns


def test_without_a_key_the_nearest_set_is_told() -> None:
    found = keys_of(["ward", "day"], [("A", "1"), ("A", "2"), ("B", "1"), ("B", "1")])
    assert not found.is_key
    assert (found.columns, found.surplus_rows) == (("ward", "day"), 1)


def test_a_declared_key_is_taken_as_it_is() -> None:
    assert keys_of(["a", "b"], [("1", "1"), ("1", "1")], declared=("b",)) == SuggestedKeys(("b",), is_declared=True)


def test_a_table_without_rows_has_no_key() -> None:
    assert not keys_of(["a", "b"], []).is_key
