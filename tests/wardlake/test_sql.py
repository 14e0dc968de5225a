"""Names and text as SQL writes them come back as they went in, whatever is in them."""

import duckdb
import pytest

from wardlake.sql import as_name, as_text

AWKWARD = ["plain", 'a "quoted" one', "it's", "Ärztin; DROP TABLE ward --", "tab\tand\nline", "\\", "''", '""']


@pytest.mark.parametrize("text", AWKWARD)
def test_names_and_text_come_back_as_they_are(text: str) -> None:
    answer = duckdb.sql(f"SELECT {as_text(text)} AS {as_name(text)}")
    assert (answer.columns, answer.fetchall()) == ([text], [(text,)])
