"""Numbers of things."""

import pytest

from wardlake.plural import counted


@pytest.mark.parametrize(
    ("number", "thing", "told"),
    [
        (0, "file", "0 files"),
        (1, "file", "1 file"),
        (2, "batch", "2 batches"),
        (3, "entry", "3 entries"),
        (4, "day", "4 days"),
        (12_765, "sampled row", "12,765 sampled rows"),
    ],
)
def test_one_is_one_and_all_else_is_many(number: int, thing: str, told: str) -> None:
    assert counted(number, thing) == told
