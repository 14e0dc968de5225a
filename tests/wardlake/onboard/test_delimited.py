"""What is found out of a file of delimited text."""

import csv
import gzip
import io
import zipfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardlake.onboard.content import look_at
from wardlake.onboard.delimited import Described, describe
from wardlake.onboard.found import UnreadableError

ROWS = "".join(f"W{number},{number * 3},2024-01-{number:02}\n" for number in range(1, 10))
TEXT = "ward,beds,day\n" + ROWS


def described(folder: Path, content: bytes | str, name: str = "ward.csv") -> tuple[Described, list[tuple[object, ...]]]:
    """What is found in a file, and the rows of its sample."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with duckdb.connect() as engine:
        found = describe(engine, [look_at(path, name)], "sample")
        return found, engine.execute("SELECT * FROM sample").fetchall()


def test_a_plain_file_needs_nothing_said(tmp_path: Path) -> None:
    found, rows = described(tmp_path, TEXT)
    assert found.spec == {"format": "csv"}
    assert [column.name for column in found.columns] == ["ward", "beds", "day"]
    assert rows[0] == ("W1", "3", "2024-01-01")
    assert len(rows) == 9


def test_lines_above_the_header_are_counted(tmp_path: Path) -> None:
    found, rows = described(tmp_path, f"Report of the wards\n\n{TEXT}")
    assert found.spec == {"format": "csv", "header_row": 3}
    assert len(rows) == 9


@pytest.mark.parametrize(
    ("encoding", "told"), [("utf-8-sig", None), ("utf-16", "utf-16"), ("cp1252", "cp1252"), ("latin-1", "cp1252")]
)
def test_encodings(tmp_path: Path, encoding: str, told: str | None) -> None:
    found, rows = described(tmp_path, ("Straße,Größe\nGänsemarkt,3\nMühlenweg,4\n").encode(encoding))
    assert found.spec.get("encoding") == told
    assert rows[0] == ("Gänsemarkt", "3")


def test_compressed_files_are_looked_into(tmp_path: Path) -> None:
    assert described(tmp_path, gzip.compress(TEXT.encode()), "ward.csv.gz")[1][0] == ("W1", "3", "2024-01-01")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("ward_2024.csv", TEXT)
        packed.writestr("README.md", "Wards.")
    path = tmp_path / "ward.zip"
    path.write_bytes(archive.getvalue())
    file = look_at(path, "ward.zip")
    assert (file.format, file.compression, file.member) == ("csv", "zip", "ward_*.csv")


def test_a_german_export(tmp_path: Path) -> None:
    text = "Station;Kosten;Anteil\n" + "".join(f"S{n};1.{n:03},50;0,{n}\n" for n in range(10, 40)) + "Summe;9.999,00;\n"
    found, rows = described(tmp_path, text.encode("cp1252"))
    assert found.spec == {
        "format": "csv",
        "delimiter": ";",
        "totals": {"Station": "Summe"},
        "decimal": ",",
        "thousands": ".",
        "numbers": ["Kosten", "Anteil"],
    }
    assert rows[0] == ("S10", "1010.50", "0.10")
    assert len(rows) == 30


def test_texts_that_stand_for_no_value(tmp_path: Path) -> None:
    text = "code,beds,note\n" + "NA,3,-\nK,-,fine\nCl,NULL,NULL\n" * 5
    found, rows = described(tmp_path, text)
    assert found.spec["null_text"] == ["-", "NULL"], "NA is a value in a column of words: sodium"
    assert rows[:3] == [("NA", "3", None), ("K", None, "fine"), ("Cl", None, None)]


def test_a_file_without_a_header_does_not_make_names_of_its_first_row(tmp_path: Path) -> None:
    found, rows = described(tmp_path, "Meier,Anna,W1\nSchmidt,Eva,W2\nKlein,Ida,W1\n" * 3)
    assert [column.name for column in found.columns] == ["column_1", "column_2", "column_3"]
    assert found.spec["header_row"] is None
    assert len(rows) == 9


def test_a_header_that_comes_again_is_one(tmp_path: Path) -> None:
    found, _ = described(tmp_path, TEXT * 2)
    assert [column.name for column in found.columns] == ["ward", "beds", "day"]


@pytest.mark.parametrize(("above", "header_row"), [("", None), ("Report of the wards\n\n", 3)])
def test_notes_below_the_table_are_told(tmp_path: Path, above: str, header_row: int | None) -> None:
    found, rows = described(tmp_path, f"{above}{TEXT}end of the report\n")
    assert found.spec.get("header_row") == header_row
    assert [column.name for column in found.columns] == ["ward", "beds", "day"]
    assert len(rows) == 9
    assert "1 of the sampled rows have more or fewer columns" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "ward,,beds\n" + ROWS, "columns 2 have no name"),
        ("a.csv", "ward,Ward,beds\n" + ROWS, "columns 1, 2 have the name of another"),
        ("a.csv", "ward,_file,beds\n" + ROWS, "_file have names that Wardlake keeps"),
        ("README.txt", "This folder holds files.\nThey are many.\n", "says that it is a table"),
        ("a.csv", "", "empty"),
        ("a.csv", b"\x00\x01\x02", "no text"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, name: str, content: str | bytes, told: str) -> None:
    with pytest.raises(UnreadableError, match=told):
        described(tmp_path, content, name)


cells = st.one_of(
    st.integers(0, 99_999).map(str),
    st.decimals(0, 999, places=2).map(lambda number: str(number).replace(".", ",")),
    st.dates().map(str),
    st.sampled_from(["open", "closed", "Müller", "Gänse, Enten", "a; b", 'she said "no"', "x|y", "two\nlines", ""]),
)


@settings(deadline=None, max_examples=60)
@given(
    delimiter=st.sampled_from(",;|\t"),
    rows=st.integers(2, 6).flatmap(
        lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=8, max_size=30)
    ),
)
def test_any_delimiter_is_found_among_quoted_ones(
    tmp_path_factory: pytest.TempPathFactory, delimiter: str, rows: list[list[str]]
) -> None:
    header = [f"name{number}" for number, _ in enumerate(rows[0])]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC).writerows([header, *rows])
    found, sample = described(tmp_path_factory.mktemp("csv"), text.getvalue())
    assert found.spec.get("delimiter", ",") == delimiter
    assert [column.name for column in found.columns] == header
    assert len(sample) == len(rows)
