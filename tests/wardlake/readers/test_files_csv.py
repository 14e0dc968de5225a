"""Delimited text of any dialect and encoding comes back verbatim, or is refused with the line and without a value."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filing import file_source, loaded, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st

from wardlake.bronze.readers.files import segments
from wardlake.bronze.readers.files.formats import BrokenFileError

COLUMNS = {"id": "VARCHAR", "value": "VARCHAR"}
THREE = {"a": "VARCHAR", "b": "VARCHAR", "c": "VARCHAR"}


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    quote: str | None
    escape: str | None
    line_end: str
    encoding: str
    preamble: int
    quotes_all: bool
    ends_last_line: bool

    def line(self, values: list[str]) -> str:
        return self.delimiter.join(self.field(value) for value in values)

    def field(self, value: str) -> str:
        quote, escape = self.quote, self.escape
        if quote is None:
            return value
        special = (self.delimiter, quote, escape or quote, "\r", "\n")
        if not (self.quotes_all or any(mark in value for mark in special)):
            return value
        if escape is None:
            return quote + value.replace(quote, quote * 2) + quote
        return quote + value.replace(escape, escape * 2).replace(quote, escape + quote) + quote

    def file(self, header: list[str], rows: list[list[str]]) -> bytes:
        lines = [*("note" for _ in range(self.preamble)), self.line(header), *map(self.line, rows)]
        text = self.line_end.join(lines) + (self.line_end if self.ends_last_line else "")
        return text.encode(self.encoding)


dialects = st.builds(
    Dialect,
    delimiter=st.sampled_from([",", ";", "\t", "|", "^", "§"]),
    quote=st.sampled_from(['"', "'", None]),
    escape=st.sampled_from([None, None, "\\"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "iso8859-15", "utf-16-le"]),
    preamble=st.integers(0, 2),
    quotes_all=st.booleans(),
    ends_last_line=st.booleans(),
)


@st.composite
def files(draw: st.DrawFn) -> tuple[Dialect, list[list[str]]]:
    dialect = draw(dialects)
    drawn = st.one_of(
        st.characters(codec=dialect.encoding, exclude_characters="\0\ufeff", exclude_categories=["Cs"]),
        st.sampled_from(list(" ,;|\"'\\\r\n\t0aé#")),
    )
    special = dialect.delimiter + "\r\n" if dialect.quote is None else ""
    text = st.text(drawn.filter(lambda one: one not in special), max_size=6)
    return dialect, draw(st.lists(st.lists(text, min_size=3, max_size=3), max_size=5))


@settings(max_examples=200, deadline=None)
@given(files())
def test_whatever_a_writer_writes_comes_back(case: tuple[Dialect, list[list[str]]]) -> None:
    dialect, rows = case
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(dialect.file(list(THREE), rows))
        found = loaded(
            path,
            Path(folder),
            THREE,
            delimiter=dialect.delimiter,
            quote=dialect.quote,
            escape=dialect.escape if dialect.quote else None,
            encoding=dialect.encoding,
            header_row=dialect.preamble + 1,
        )
        expected = [
            (*(value or None for value in row), dialect.preamble + 2 + number) for number, row in enumerate(rows)
        ]
        assert rows_of(found) == expected
        assert found.rows == len(rows)


def read(tmp_path: Path, content: bytes, columns: dict[str, str] = COLUMNS, **spec: Any) -> list[tuple[Any, ...]]:
    path = tmp_path / "file"
    path.write_bytes(content)
    found = loaded(path, tmp_path, columns, **spec)
    rows = rows_of(found)
    assert found.rows == len(rows)
    return rows


def test_records_are_numbered_with_preamble_and_header(tmp_path: Path) -> None:
    content = b'exported\n\nid,value\n1,"a\nb"\n\n2,c\n'
    assert read(tmp_path, content, header_row=3) == [("1", "a\nb", 4), ("2", "c", 5)]


def test_without_a_header_the_columns_are_the_contracts(tmp_path: Path) -> None:
    assert read(tmp_path, b"1,a\n2,b", header_row=None) == [("1", "a", 1), ("2", "b", 2)]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfid,value\n1,a\n") == [("1", "a", 2)]


def test_the_word_for_no_value_is_null_and_so_is_nothing(tmp_path: Path) -> None:
    content = b'id,value\n1,NA\n2,\n3,""\n4,"-"\n5,NAN\n'
    assert read(tmp_path, content, null_text=["NA", "-"]) == [
        ("1", None, 2),
        ("2", None, 3),
        ("3", None, 4),
        ("4", None, 5),
        ("5", "NAN", 6),
    ]


def test_comment_lines_are_left_out_and_the_mark_inside_a_value_is_not(tmp_path: Path) -> None:
    content = b'# made by "LIS\nid,value\n#1,x\n1,Room #4\n2,"a\n# not a comment"\n'
    assert read(tmp_path, content, comment="#") == [("1", "Room #4", 2), ("2", "a\n# not a comment", 3)]


def test_totals_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"id,value\n1,2\nTotal,2\nTotal,\n2,Total\n")
    found = loaded(path, tmp_path, COLUMNS, totals={"id": "Tot*", "value": "[0-9]*"})
    assert rows_of(found) == [("1", "2", 2), ("Total", None, 4), ("2", "Total", 5)]
    assert (found.rows, found.left_out_rows) == (3, 1)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1.234,50", "1234.50"),
        ("-1.234.567", "-1234567"),
        ("0,5", "0.5"),
        (",5", ".5"),
        ("12", "12"),
        ("1.23", "1.23"),
        ("1,2,3", "1,2,3"),
        ("12.34.567,0", "12.34.567,0"),
        ("n/a", "n/a"),
        ("1.234,50 EUR", "1.234,50 EUR"),
    ],
)
def test_only_what_is_a_number_is_put_into_the_form_of_one(tmp_path: Path, text: str, plain: str) -> None:
    content = f"id;value\n{text};{text}\n".encode()
    assert read(tmp_path, content, delimiter=";", decimal=",", thousands=".", numbers=["value"]) == [(text, plain, 2)]


def test_an_apostrophe_may_part_thousands(tmp_path: Path) -> None:
    assert read(tmp_path, b"id;value\n1;1'234.5\n", delimiter=";", thousands="'", numbers=["value"]) == [
        ("1", "1234.5", 2)
    ]


def test_a_record_of_almost_two_megabytes_is_read(tmp_path: Path) -> None:
    long = "x" * 1_900_000
    assert read(tmp_path, f"id,value\n1,{long}\n2,b\n3,{long}\n".encode()) == [
        ("1", long, 2),
        ("2", "b", 3),
        ("3", long, 4),
    ]


@pytest.fixture
def cut_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of more than a few bytes are cut into segments."""
    monkeypatch.setattr(segments, "LARGE_BYTES", 1000)
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 500)
    monkeypatch.setattr(segments, "LONGEST_RECORD", 100)
    monkeypatch.setattr("wardlake.bronze.readers.files.utf8.BLOCK_BYTES", 100)


@pytest.mark.usefixtures("cut_small")
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_large_file_is_cut_between_records_only(tmp_path: Path, line_end: str) -> None:
    expected = [(str(number), f'say "{number}"{line_end}twice{line_end}', 2 + number) for number in range(300)]
    doubled = [(number, text.replace('"', '""'), line) for number, text, line in expected]
    content = line_end.join(["id,value", *(f'{number},"{text}"' for number, text, _ in doubled), ""]).encode()
    path = tmp_path / "file"
    path.write_bytes(content)
    found = loaded(path, tmp_path, COLUMNS)
    assert len(found.parts) > 10
    assert rows_of(found) == expected
    assert found.rows == 300


@pytest.mark.usefixtures("cut_small")
def test_a_broken_record_far_into_a_large_file_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("".join(["id,value\n", *(f"{number},{'x' * 20}\n" for number in range(500)), "1\n"]))
    with pytest.raises(BrokenFileError, match=r"line 502 has another number of columns"):
        loaded(path, tmp_path, COLUMNS)


@pytest.mark.usefixtures("cut_small")
def test_a_large_file_with_loose_quotes_is_not_cut_and_comes_back(tmp_path: Path) -> None:
    expected = [(str(number), f'tube 5" no {number}', 2 + number) for number in range(301)]
    content = "\n".join(["id,value", *(f"{number},{text}" for number, text, _ in expected)]).encode()
    path = tmp_path / "file"
    path.write_bytes(content)
    found = loaded(path, tmp_path, COLUMNS)
    assert found.parts == ()
    assert rows_of(found) == expected


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"encoding": "utf8x"}, "'utf8x' is no encoding that Python knows"),
        ({"encoding": "rot13"}, "'rot13' is no encoding that Python knows"),
        ({"delimiter": '"'}, "different characters"),
        ({"comment": ","}, "different characters"),
        ({"delimiter": "\n"}, "no line ends"),
        ({"escape": "\\", "quote": None}, "it needs 'quote'"),
        ({"quote": "«"}, "quote and escape are ASCII characters"),
    ],
)
def test_a_dialect_that_cannot_be_is_refused_with_the_yaml(spec: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        file_source(**spec)


def test_a_typed_column_of_a_csv_file_is_refused_with_the_yaml() -> None:
    with pytest.raises(ValueError, match=r"columns \['value'\] of CSV files have the type VARCHAR"):
        file_source({"id": "VARCHAR", "value": "INTEGER"})


BAD: list[tuple[str, bytes, dict[str, Any], str]] = [
    ("empty", b"", {}, "it has no header in row 1"),
    ("shorter than its preamble", b"note\n", {"header_row": 3}, "it has no header in row 3"),
    ("a value too many", b"id,value\n1,a\n2,b,c\n", {}, "line 3 has another number of columns than the header"),
    ("a value too few", b"id,value\n1,a\n2\n3,c\n", {}, "line 3 has another number of columns than the header"),
    ("ragged below a preamble", b"x\nid,value\n1\n", {"header_row": 2}, "line 3 has another number of columns"),
    ("ragged without header", b"1,a\n2\n", {"header_row": None}, "line 2 has another number of columns"),
    ("ragged, odd delimiter", "id§value\n1§2\n3\n".encode(), {"delimiter": "§"}, "line 3 has another number of"),
    ("cut off in a quote", b'id,value\n1,a\n2,"b\n3,c\n', {}, "the quote in line 3 is never closed"),
    ("cut off, quotes escaped", b'id,value\n1,"a\\"\n', {"escape": "\\"}, "line 2 has a quote that is never closed"),
    ("a quote inside quotes", b'id,value\n1,"say "hi" now"\n', {}, "line 2 has a quote that is never closed, or stan"),
    ("text after a quote", b'id,value\n1,a\n2,"b"c\n', {}, "line 3 has a quote that is never closed, or stands inside"),
    ("not UTF-8", b"id,value\n1,a\n2,M\xfcller\n", {}, "line 3 is not in the encoding utf-8"),
    ("cut off in a character", b"id,value\n1,a\n2,M\xc3", {}, "line 3 is not in the encoding utf-8"),
    ("not ASCII", "id,value\n1,é\n".encode(), {"encoding": "ascii"}, "line 2 is not in the encoding ascii"),
    ("half a UTF-16 character", "id,value\n1,a".encode("utf-16") + b"x", {"encoding": "utf-16"}, "line 2 is not in th"),
    ("UTF-16 read as UTF-8", "id,value\n".encode("utf-16-le"), {}, "line 1 holds a NUL: is it text in utf-8?"),
    ("zeros of a crashed disk", b"id,value\n1,a\n\0\0\0\0", {}, "line 3 holds a NUL"),
    ("a column named twice", b"id,ID\n1,2\n", {}, "its header names ['ID', 'id'] twice"),
    ("mixed line ends", b"id,value\r\n1,a\n2,b\r\n", {}, "it mixes line ends"),
    ("a record of megabytes", b"id,value\n1," + b"x" * 2_500_000 + b"\n", {}, "more than 2,000,000 bytes"),
    ("a line of megabytes", b"id,value\n1," + b"x" * 20_000_000, {}, "a line of more than 2,000,000 bytes"),
    ("comments and loose quotes", b'id,value\n#x\n1,5" tube\n', {"comment": "#"}, "its quotes are irregular"),
    ("totals of no column", b"id,value\n1,2\n", {"totals": {"sum": "*"}}, "it has no columns ['sum']"),
]


@pytest.mark.parametrize(("content", "spec", "told"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_broken_file_is_refused_with_the_line(
    tmp_path: Path, content: bytes, spec: dict[str, Any], told: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BrokenFileError) as raised:
        loaded(path, tmp_path, COLUMNS, **spec)
    assert told in str(raised.value)
    assert "Müller" not in str(raised.value)
    assert "say" not in str(raised.value)
