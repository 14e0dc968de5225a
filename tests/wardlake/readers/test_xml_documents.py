"""XML documents: rows as elements, text as it is written, and no way out of the file."""

from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import load_file, refusal

from wardlake.errors import PermanentError
from wardlake.settings import PROJECT_ROOT
from wardlake.sources import read_source

SHIFTS = {"format": "xml", "rows": "//Shift"}
ROSTER = b"""<?xml version="1.0" encoding="UTF-8"?>
<Roster site="main">
  <Ward code="A1">
    <Name>Ward A</Name>
    <Shift id="1">
      <Nurse>N. Jones</Nurse>
      <Hours>7.50</Hours>
    </Shift>
    <Shift id="2"><Nurse/><Break paid="no"><Minutes>30</Minutes></Break></Shift>
  </Ward>
  <Ward code="B2">
    <Name>Ward B</Name>
    <Shift id="3"><Hours>12</Hours></Shift>
  </Ward>
  <Old><Ward><Shift id="4"/></Ward></Old>
</Roster>
"""

# characters that XML can hold; a reader turns a carriage return into a line feed unless it is written as a reference
texts = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffe\uffff") | st.sampled_from("\t\n")
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(texts, texts, texts.filter(lambda text: "]]>" not in text)), min_size=1, max_size=5))
def test_text_is_kept_as_it_is_written(records: list[tuple[str, str, str]]) -> None:
    rows = [
        f"<Row at={quoteattr(at, {chr(10): '&#10;', chr(9): '&#9;'})}><A>{escape(a)}</A><B><![CDATA[{b}]]></B></Row>"
        for at, a, b in records
    ]
    content = f"<Rows>{''.join(rows)}</Rows>".encode()
    loaded = load_file(content, {"format": "xml", "rows": "/Rows/Row"}, {"at": "@at", "A": None, "B": "B"})
    assert loaded.rows == records
    assert loaded.counted == len(records)


def test_a_row_is_told_by_the_line_on_which_it_begins() -> None:
    loaded = load_file(ROSTER, SHIFTS, {"id": "@id"})
    assert (loaded.rows, loaded.lines, loaded.counted) == ([("1",), ("2",), ("3",), ("4",)], [5, 9, 13, 15], 4)


def test_lines_beyond_65535_are_told() -> None:
    content = b"<R>\n" + b"<Shift/>\n" * 70_000 + b"</R>"
    assert load_file(content, SHIFTS, {"x": "@x"}).lines[-1] == 70_001


def test_paths_reach_into_a_row_and_to_what_is_above_it() -> None:
    paths: dict[str, str | None] = {
        "id": "@id",
        "site": "/Roster/@site",
        "ward": "../@code",
        "ward_name": "../Name",
        "Hours": None,
        "paid": "Break/@paid",
        "minutes": "Break/Minutes",
        "break": "Break",
        "is_long": "Hours > 8",
        "parts": "count(*)",
    }
    loaded = load_file(ROSTER, {"format": "xml", "rows": "/Roster/Ward/Shift"}, paths)
    assert loaded.rows == [
        ("1", "main", "A1", "Ward A", "7.50", None, None, None, "false", "2"),
        ("2", "main", "A1", "Ward A", None, "no", "30", '<Break paid="no"><Minutes>30</Minutes></Break>', "false", "2"),
        ("3", "main", "B2", "Ward B", "12", None, None, None, "true", "1"),
    ]


def test_absent_is_null_and_an_empty_element_is_empty_text() -> None:
    content = b"""<R xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
        <Shift><A/><B></B><C> </C><D xsi:nil="true"/><E>a<!-- no text -->b</E></Shift></R>"""
    loaded = load_file(content, SHIFTS, {name: f"{name}" for name in "ABCDEF"})
    assert loaded.rows == [("", "", " ", None, "ab", None)]


def test_without_paths_all_elements_below_the_rows_are_columns() -> None:
    loaded = load_file(ROSTER, SHIFTS, ["Hours", "Nurse", "Missing", "Ward Name"])
    assert loaded.columns == ["Hours", "Nurse", "Break"]
    assert loaded.rows[0] == ("7.50", "N. Jones", None)


def test_a_file_without_rows_has_the_columns_of_the_contract() -> None:
    loaded = load_file(b"<Roster/>", SHIFTS, ["Hours", "Nurse"])
    assert (loaded.columns, loaded.rows, loaded.counted) == (["Hours", "Nurse"], [], 0)


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ("//Shift", 4),
        ("//Ward/Shift", 4),
        ("/Roster/Ward/Shift", 3),
        ("/Roster/Old/Ward/Shift", 1),
        ("//Roster/Shift", 0),
    ],
)
def test_rows_are_elements_at_a_place(rows: str, count: int) -> None:
    loaded = load_file(ROSTER, {"format": "xml", "rows": rows}, {"id": "@id"})
    assert (len(loaded.rows), loaded.counted) == (count, count)


def test_namespaces_have_the_prefixes_of_the_yaml() -> None:
    content = b"""<document xmlns="urn:hl7-org:v3" xmlns:other="urn:other">
        <observation><code code="1"/><value>5.0</value></observation><other:observation/></document>"""
    files = {"format": "xml", "rows": "//h:observation", "namespaces": {"h": "urn:hl7-org:v3"}}
    loaded = load_file(content, files, {"code": "h:code/@code", "value": None})
    assert (loaded.rows, loaded.counted) == ([("1", "5.0")], 1)


@pytest.mark.parametrize(
    ("encoding", "text", "has_mark"),
    [
        ("utf-8", "Zoë 病房", False),
        ("utf-8-sig", "Zoë 病房", True),
        ("utf-16", "Zoë 病房", True),
        ("iso-8859-15", "Zoë €", False),
        ("gb18030", "病房", False),
        ("shift_jis", "病棟", False),
    ],
)
def test_encodings_that_a_file_declares(encoding: str, text: str, has_mark: bool) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    content = f'<?xml version="1.0" encoding="{declared}"?>\n<R><Shift><A>{text}</A></Shift></R>'.encode(encoding)
    loaded = load_file(content, SHIFTS, ["A"])
    assert (loaded.rows, loaded.lines, loaded.has_mark) == ([(text,)], [2], has_mark)


def test_memory_holds_few_rows_at_a_time() -> None:
    days = "".join(f"<Day>{'<Shift><A>' + 'x' * 1000 + '</A></Shift>'}</Day>" * 20 for _ in range(200))
    columns: dict[str, str | None] = {"shifts": "count(//Shift)", "days": "count(//Day)", "header": "../../Header"}
    loaded = load_file(f"<R><Header>June</Header>{days}</R>".encode(), SHIFTS, columns)
    assert len(loaded.rows) == 4_000
    # the parser reads ahead by some kB
    assert max(int(held) for row in loaded.rows for held in row[:2]) < 100
    assert {row[2] for row in loaded.rows} == {"June"}


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "line 1 is no well-formed XML: no element found"),
        (b"<R><Shift>SECRET</Shift>", "line 1 is no well-formed XML: no element found"),
        (b"<R>\n<Shift>SECRET</Sift></R>", "line 2 is no well-formed XML: mismatched tag"),
        (b"<R/><R/>", "junk after document element"),
        (b"<R><Shift>SECRET & x</Shift></R>", "not well-formed"),
        (b"<R><Shift>SECRET &secret;</Shift></R>", "undefined entity"),
        (b"<R><Shift>SECRET \x00</Shift></R>", "not well-formed"),
        (b"<R><Shift>SECRET &#0;</Shift></R>", "reference to invalid character number"),
        (b"<R><Shift>SECRET \xff</Shift></R>", "not well-formed"),
        (b'<?xml version="1.0" encoding="utf-8"?><R>SECRET \xff</R>', "not in the encoding"),
        (b'<?xml version="1.0" encoding="utf-9"?><R/>', "not in the encoding"),
        (b'{"id": "SECRET"}', "not well-formed"),
        (b'<!DOCTYPE R SYSTEM "roster.dtd"><R/>', "DOCTYPE"),
        (b'<!DOCTYPE R [<!ENTITY x SYSTEM "file:///etc/passwd">]><R><Shift>&x;</Shift></R>', "DOCTYPE"),
        (f'<!DOCTYPE R [<!ENTITY l0 "SECRET">{LAUGHS}]><R>&l9;</R>'.encode(), "DOCTYPE"),
        (b"<R><Shift><A>SECRET</A>\n<A>2</A></Shift></R>", "the row of line 1 has 2 values for the column 'A'"),
        (b"<R><Shift>\n<A><Shift/></A></Shift></R>", "line 2: a row stands within a row"),
        (b"<R><Shift><A/><a/></Shift></R>", "'A' and 'a' differ in nothing but upper and lower case"),
        (b"<R><Shift><A>" + b"SECRET" * 2_000_000 + b"</A></Shift></R>", "beyond the limits of libxml2"),
        (b"<R><Shift>" + b"<A>" * 5000 + b"</A>" * 5000 + b"</Shift></R>", "beyond the limits of libxml2"),
    ],
)
def test_documents_that_are_refused(content: bytes, told: str) -> None:
    reason = refusal(content, SHIFTS, ["A"])
    assert told in reason
    assert "SECRET" not in reason


@pytest.mark.parametrize("rows", ["Shift", "//Shift[1]", "//Shift/@id", "//*", "//", "//h:Shift", "//Ward//Shift"])
def test_rows_that_name_no_elements_are_the_fault_of_the_yaml(rows: str) -> None:
    with pytest.raises(PermanentError, match="names no elements"):
        load_file(b"<R/>", {"format": "xml", "rows": rows}, {"A": "A"})


@pytest.mark.parametrize("path", ["A[", "h:A", "unheard-of(A)"])
def test_what_is_no_xpath_is_the_fault_of_the_yaml(path: str) -> None:
    with pytest.raises(PermanentError, match="is no XPath"):
        load_file(b"<R/>", SHIFTS, {"A": path})


def test_the_example_of_the_docs_is_read() -> None:
    source = read_source(PROJECT_ROOT / "docs" / "sources" / "examples" / "xml_roster.yaml")
    spec = source.tables["shift"].files
    assert spec is not None
    paths = {name: column.path for name, column in source.tables["shift"].columns.items()}
    loaded = load_file(ROSTER.replace(b"<Roster ", b'<Roster xmlns="urn:example:roster" '), spec.model_dump(), paths)
    assert dict(zip(loaded.columns, loaded.rows[0], strict=True)) == {
        "shift_id": "1", "ward": "A1", "ward_name": "Ward A", "nurse": "N. Jones", "hours": "7.50",
    }  # fmt: skip
