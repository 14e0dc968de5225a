"""The smallest set of columns that names a row."""

from collections.abc import Sequence

import duckdb
import pytest

from wardlake.onboard.found import FoundColumn, FoundTable, create_text_sample
from wardlake.onboard.health import suggest_classes
from wardlake.onboard.keys import SuggestedKeys, suggest_keys
from wardlake.onboard.profile import profile


def keys_of(
    names: Sequence[str], rows: Sequence[Sequence[str | None]], declared: tuple[str, ...] = ()
) -> SuggestedKeys:
    columns = tuple(map(FoundColumn, names))
    table = FoundTable("t", "", {}, columns, "sample", declared_keys=declared)
    with duckdb.connect() as engine:
        create_text_sample(engine, "sample", names, rows)
        profiles = {column.name: profile(engine, "sample", column) for column in columns}
        return suggest_keys(engine, table, profiles, suggest_classes(columns, profiles))


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


def conditions(rows: int) -> list[tuple[str, str, str]]:
    """Start, code and patient: five patients in turn, a day for each row."""
    return [(f"2024-{day // 28 + 1:02}-{day % 28 + 1:02}", "ICD"[day % 3], f"P{day % 5}") for day in range(rows)]


def test_a_key_names_the_patient_though_the_sample_does_not_need_it() -> None:
    found = keys_of(["start", "code", "patient"], conditions(60))
    assert (found.columns, found.is_key, found.is_accident) == (("patient", "start"), True, True)


def test_a_patient_of_whom_some_rows_know_nothing_is_no_part_of_a_key() -> None:
    rows = [(start, code, patient if patient != "P0" else None) for start, code, patient in conditions(60)]
    assert keys_of(["start", "code", "patient"], rows).columns == ("start",)


def test_an_identifier_of_the_row_needs_no_patient() -> None:
    found = keys_of(
        ["event_id", "patient"], [(f"E{row}", patient) for row, (_, _, patient) in enumerate(conditions(9))]
    )
    assert (found.columns, found.is_accident) == (("event_id",), False)


@pytest.mark.parametrize(("rows", "is_accident"), [(3, True), (200, False)])
def test_a_patient_who_comes_once_is_a_key_of_many_rows_only(rows: int, is_accident: bool) -> None:
    found = keys_of(["patient", "stent"], [(f"P{row}", "AB"[row % 2]) for row in range(rows)])
    assert (found.columns, found.is_accident) == (("patient",), is_accident)
