"""The text of the YAML: whatever a system calls its columns, the YAML says the same."""

from collections.abc import Mapping

import yaml
from hypothesis import given
from hypothesis import strategies as st

from wardlake.onboard.classes import Suggestion
from wardlake.onboard.draft import source_yaml
from wardlake.onboard.found import Found, FoundColumn, FoundTable
from wardlake.onboard.keys import SuggestedKeys
from wardlake.onboard.profile import Profile
from wardlake.onboard.suites import Judged

HEADER = {"name": "lab", "description": "Lab: all of it"}
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).map(str.strip).filter(bool)
awkward = st.sampled_from(["no", "null", "1", "a: b", "# x", "{batch}", "- a", "'", '"', "Unit\nPrice", "x" * 200, "~"])


def text_of(columns: list[FoundColumn], keys: SuggestedKeys, profiles: Mapping[str, Profile] | None = None) -> str:
    found = FoundTable("t", "Files t.", {"files": {"pattern": "[0-9]*.csv", "format": "csv"}}, tuple(columns), "t")
    classes = {column.name: Suggestion("quasi", "in doubt") for column in columns}
    judged = Judged(found, profiles or {}, classes, keys)
    return source_yaml(HEADER, Found({"kind": "landing", "prefix": "lab/"}, (found,)), [judged])


@given(st.lists(names | awkward, min_size=1, max_size=6, unique=True))
def test_any_name_of_a_column_comes_back_from_the_yaml(columns: list[str]) -> None:
    read = yaml.safe_load(text_of(list(map(FoundColumn, columns)), SuggestedKeys((columns[0],))))
    assert list(read["tables"]["t"]["columns"]) == columns
    assert read["tables"]["t"]["keys"] == [columns[0]]
    assert read["tables"]["t"]["files"]["pattern"] == "[0-9]*.csv"


def test_types_paths_and_descriptions_stand_beside_their_column() -> None:
    column = FoundColumn("value", "DECIMAL(14,4)", "Result, as measured: one number", "$.value['x y']")
    spec = yaml.safe_load(text_of([column], SuggestedKeys(("value",))))["tables"]["t"]["columns"]["value"]
    assert spec == {
        "type": "DECIMAL(14,4)",
        "pii": "quasi",
        "path": "$.value['x y']",
        "description": "Result, as measured: one number",
    }


def test_what_was_guessed_is_said() -> None:
    column = [FoundColumn("a")]
    assert "# the system's own key" in text_of(column, SuggestedKeys(("a",), is_declared=True))
    assert "# NO KEY WAS FOUND: there were no rows" in text_of(column, SuggestedKeys(("a",), surplus_rows=1))


def test_a_key_that_may_be_an_accident_is_said_to_be() -> None:
    one_row = Profile(1, 1, 1, *[0.0] * 12, longest=1)
    told = text_of([FoundColumn("a")], SuggestedKeys(("a",), is_accident=True), {"a": one_row})
    assert "# guessed: unique and never empty in 1 sampled row; WARNING: perhaps by accident" in told
    assert "WARNING" not in text_of([FoundColumn("a")], SuggestedKeys(("a",)), {"a": one_row})
