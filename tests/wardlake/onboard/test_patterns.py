"""Patterns of file names: what belongs together is one table, and nothing is read twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardlake.onboard.patterns import group, matches


@pytest.mark.parametrize(
    ("names", "patterns"),
    [
        (["ae_2024_01.csv", "ae_2024_02.csv"], ["ae_*.csv"]),
        (["2017_09_epd_201709.csv"], ["*_epd_*.csv"]),
        (["stays_20240131T0600.csv"], ["stays_*T*.csv"]),
        (["icd10.csv", "ward.csv"], ["icd10.csv", "ward.csv"]),
        (["ward1.csv", "ward2.csv"], ["ward*.csv"]),
        (["ae_2024.csv", "ae_summary_2024.csv"], ["ae_[0-9]*.csv", "ae_summary_*.csv"]),
        (["in/a_2024.csv", "out/a_2024.csv"], ["in/a_*.csv", "out/a_*.csv"]),
        (["report [final] 2024.csv"], ["report [[]final] *.csv"]),
    ],
)
def test_dates_and_numbers_become_stars(names: list[str], patterns: list[str]) -> None:
    assert list(group(names)) == patterns


file_names = st.lists(
    st.lists(st.sampled_from(["ae", "ward", "_", "-", "2024", "01", "7", "[x]", "?", "*", "sum", "/"]), min_size=1).map(
        lambda parts: "".join(parts) + ".csv"
    ),
    min_size=1,
    max_size=12,
)


@given(file_names)
def test_every_file_is_matched_by_the_pattern_of_its_own_group_and_no_other(names: list[str]) -> None:
    groups = group(names)
    for name in names:
        own = [pattern for pattern, members in groups.items() if name in members]
        assert [pattern for pattern in groups if matches(name, pattern)] == own
        assert len(own) == 1
