"""JSON documents and JSON lines: every value as it is written, whole files or none."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from loading import REAL_DATA, load_file, needs_real_data, refusal
from msgspec import Raw

from wardlake.bronze.readers.files import json_documents
from wardlake.bronze.readers.files.formats import BrokenFileError
from wardlake.bronze.readers.json_text import find
from wardlake.errors import PermanentError
from wardlake.settings import PROJECT_ROOT
from wardlake.sources import read_source
from wardlake.sources.json_path import steps_of

LINES = {"format": "jsonl"}
DOCUMENT = {"format": "json"}
EXAMPLES = PROJECT_ROOT / "docs" / "sources" / "examples"

numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))
nested = st.recursive(
    numbers | texts.map(json.dumps) | st.sampled_from(["true", "false", "null"]),
    lambda parts: (
        st.lists(parts, max_size=3).map(lambda items: f"[ {','.join(items)}]")
        | st.lists(st.tuples(texts, parts), max_size=3, unique_by=lambda pair: pair[0]).map(
            lambda pairs: f"{{{','.join(f'{json.dumps(key)} :{value}' for key, value in pairs)} }}"
        )
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(numbers, texts, nested, st.booleans()), min_size=1, max_size=5))
def test_every_value_is_kept_as_it_is_written(records: list[tuple[str, str, str, bool]]) -> None:
    rows = [
        f'{{"number": {number}, "text": {json.dumps(text, ensure_ascii=escaped)}, "part": {part}}}'
        for number, text, part, escaped in records
    ]
    columns: dict[str, str | None] = {"number": None, "text": None, "part": None, "whole": "$"}
    for content, files in (
        ("\n".join(rows), LINES),
        (f'{{"rows": [{", ".join(rows)}]}}', DOCUMENT | {"rows": "$.rows"}),
    ):
        loaded = load_file(content.encode(), files, columns)
        assert loaded.counted == len(records)
        for (number, text, part, _), row, found in zip(records, rows, loaded.rows, strict=True):
            plain = json.loads(part) if part.startswith(('"', "null")) else part
            assert found == (number, text, plain, row)


def test_numbers_keep_zeros_and_all_digits() -> None:
    loaded = load_file(b'{"a": 1.10, "b": 12345678901234567890.12, "c": 1E400, "d": -0.0}', LINES, ["a", "b", "c", "d"])
    assert loaded.rows == [("1.10", "12345678901234567890.12", "1E400", "-0.0")]


def test_paths_reach_into_a_row() -> None:
    row = {"id": "e1", "name": [{"family": "A"}, {"family": "B"}], "class": {"code": "IMP"}, "ward name": {"x.y": 1}}
    loaded = load_file(
        json.dumps(row).encode(),
        LINES,
        {
            "id": None,
            "second": "$.name[1].family",
            "third": "$.name[2].family",
            "code": "$.class.code",
            "last": "$.name[-1].family",
            "before the first": "$.name[-3].family",
            "all": "$.name[*].family",
            "nothing": "$.name[2].given[*]",
            "quoted": "$['ward name'].\"x.y\"",
            "absent": "$.period.start",
            "class": "$.class",
        },
    )
    assert loaded.rows == [("e1", "B", None, "IMP", "B", None, '["A","B"]', None, "1", None, '{"code": "IMP"}')]


def test_null_and_absent_are_null_and_empty_text_is_empty() -> None:
    loaded = load_file(b'{"id":1,"a":null}\n{"id":2}\n{"id":3,"a":""}', LINES, ["id", "a"])
    assert loaded.rows == [("1", None), ("2", None), ("3", "")]


def test_a_row_is_told_by_its_line_and_empty_lines_are_skipped() -> None:
    loaded = load_file(b'\n{"id":1}\r\n  \r\n{"id":2}\n\n', LINES, ["id"])
    assert (loaded.rows, loaded.lines, loaded.counted) == ([("1",), ("2",)], [2, 4], 2)


@pytest.mark.parametrize(
    ("content", "rows", "lines"),
    [
        ('[{"id": 1}, {"id": 2}]', "$", [1, 2]),
        ('{"id": 1}', "$", [1]),
        ('{"entry": [{"id": 1}, {"id": 2}]}', "$.entry", [1, 2]),
        ('{"entry": [{"id": 1}, {"id": 2}]}', "$.entry[*]", [1, 2]),
        ('{"a": [{"b": []}, {"b": [{"id": 1}]}]}', "$.a[1].b", [1]),
        ('{"a": [{"b": [{"id": 1}]}, {}, {"b": [{"id": 2}]}]}', "$.a[*].b[*]", [1, 2]),
        ('{"patient": {"id": 1}}', "$.patient", [1]),
        ("[]", "$", []),
    ],
)
def test_rows_are_a_list_or_one_object_in_the_document(content: str, rows: str, lines: list[int]) -> None:
    loaded = load_file(content.encode(), DOCUMENT | {"rows": rows}, ["id"])
    assert (loaded.lines, loaded.counted) == (lines, len(lines))
    assert loaded.rows == [(str(line),) for line in lines]


def test_without_paths_all_keys_are_columns_in_the_order_of_the_contract() -> None:
    loaded = load_file(b'{"new":1,"b":2}\n{"a":3,"newer":4}', LINES, ["a", "b", "missing"])
    assert loaded.columns == ["a", "b", "new", "newer"]
    assert loaded.rows == [(None, "2", "1", None), ("3", None, None, "4")]


@pytest.mark.parametrize(("content", "files"), [(b"", LINES), (b"[]", DOCUMENT)])
def test_a_file_without_rows_has_the_columns_of_the_contract(content: bytes, files: dict[str, Any]) -> None:
    assert load_file(content, files, ["a", "b"]).columns == ["a", "b"]


@pytest.mark.parametrize(
    ("encoding", "has_mark"), [("utf-8", False), ("utf-8-sig", True), ("utf-16", True), ("cp1252", False)]
)
@pytest.mark.parametrize("files", [LINES, DOCUMENT])
def test_encodings_and_byte_order_marks(files: dict[str, Any], encoding: str, has_mark: bool) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    loaded = load_file('{"id": "Zoë Müller"}'.encode(encoding), files | {"encoding": declared}, ["id"])
    assert (loaded.rows, loaded.has_mark) == ([("Zoë Müller",)], has_mark)


def test_characters_outside_the_basic_plane_and_escaped_ones() -> None:
    loaded = load_file(b'{"id": "\\ud83c\\udfe5 \\u00e9 \\n"}', LINES, ["id"])
    assert loaded.rows == [("🏥 é \n",)]


def test_the_escape_of_nul_stays_in_the_text_of_a_whole_row() -> None:
    content = b'{"id": "a\\u0000b"}'
    assert load_file(content, LINES, {"whole": "$"}).rows == [(content.decode(),)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"id": 1}\n{"id": SECRET}', "line 2 is no JSON"),
        (b'{"id": 1}\n{"id": "SECRET', "line 2 is no JSON"),
        (b'{"id": 1} {"id": 2}', "line 1 is no JSON"),
        (b'{"id": "SECRET\x01"}', "line 1 is no JSON"),
        (b'{"id": 01}', "line 1 is no JSON"),
        (b'{"id": 1,}', "line 1 is no JSON"),
        (b'{"id": NaN}', "line 1 has NaN or Infinity"),
        (b'{"id": [-Infinity]}', "line 1 has NaN or Infinity"),
        (b'{"id": "SECRET", "id": 2}', "line 1 has an object in which a key stands twice"),
        (b'\n{"id": "SECRET \\ud800 x"}', "line 2: it has text with half of a surrogate pair"),
        (b'\n{"id": "SECRET\\u0000"}', "record 2 has the character NUL in column 'id'"),
        (b'{"id": "SECRET \xff"}', "line 1 is not encoded in UTF-8 (byte 16)"),
        (b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "line 1 is nested too deeply"),
        (b'{"id": 1}\n[1]', "line 2: it is no object with keys"),
        (b'{"id": 1, "ID": 2}', "'id' and 'ID' differ in nothing but upper and lower case"),
        (b'{"id": 1, "_line": 2}', "'_line' has a name that Wardlake keeps"),
    ],
)
def test_lines_that_are_refused(content: bytes, told: str) -> None:
    reason = refusal(content, LINES, ["id"])
    assert told in reason
    assert "SECRET" not in reason


@pytest.mark.parametrize(
    ("content", "rows", "told"),
    [
        (b"", "$", "it is no JSON"),
        (b'[{"id": 1}', "$", "it is no JSON"),
        (b'[{"id": 1}]\n[{"id": 2}]', "$", "it is no JSON"),
        (b'[{"id": "\\ud800"}]', "$", "half of a surrogate pair"),
        (b'{"Entry": [{"id": 1}]}', "$.entry", "there is no list and no object at $.entry"),
        (b'{"entry": null}', "$.entry", "there is no list and no object at $.entry"),
        (b'{"entry": 7}', "$.entry", "there is no list and no object at $.entry"),
        (b'[{"entry": []}]', "$.entry", "a list stands where a path goes on with 'entry'"),
        (b'{"entry": [{"id": 1}, 7]}', "$.entry", "row 2: it is no object"),
        (b'[{"id": 1, "a": {"b": 1, "b": 2}}]', "$", "a key stands twice"),
    ],
)
def test_documents_that_are_refused(content: bytes, rows: str, told: str) -> None:
    assert told in refusal(content, DOCUMENT | {"rows": rows}, ["id"])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("$.name.family", "line 1: a list stands where a path goes on with 'family'"),
        ("$.class[0]", "line 1: an object stands where a path goes on with '0'"),
        ("$.class[*]", "line 1: an object stands where a path goes on with '*'"),
        ("$.id.value", "line 1: a plain value stands where a path goes on"),
    ],
)
def test_a_path_that_meets_another_kind_of_value_refuses_the_file(path: str, told: str) -> None:
    content = b'{"id": "SECRET", "name": [{"family": "SECRET"}], "class": {"code": 1}}'
    assert told in refusal(content, LINES, {"x": path})


JSON_TEXT = st.recursive(
    st.sampled_from(["null", "true", "1.10", '"x"', '"\\u00e9\\n"', '""']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{' ,'.join(items)}]")
        | st.dictionaries(st.sampled_from(["a", "b", "c d"]), inner, max_size=3).map(
            lambda members: "{" + ", ".join(f'"{name}" : {value}' for name, value in members.items()) + "}"
        )
    ),
    max_leaves=12,
)
PATHS = st.lists(st.sampled_from([".a", ".b", '["c d"]', "[0]", "[1]", "[-1]", "[*]"]), max_size=3).map(
    lambda steps: "$" + "".join(steps)
)


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@given(document=JSON_TEXT, path=PATHS)
@settings(deadline=None)
def test_paths_lead_where_duckdb_says(engine: duckdb.DuckDBPyConnection, document: str, path: str) -> None:
    try:
        found = [json.loads(bytes(value)) for value in find(Raw(document.encode()), steps_of(path))]
    except BrokenFileError:  # what DuckDB calls NULL
        reject()
    spelt = path.replace('["c d"]', '."c d"').replace("[-1]", "[#-1]")
    ((told,),) = engine.execute(f"SELECT json_extract(?, '{spelt}')", [document]).fetchall()
    assert found == [json.loads(value) for value in (told if isinstance(told, list) else [told]) if value is not None]


@pytest.mark.parametrize("path", ["", "a", "$a", "$.", "$..a", "$[?(@.a=='x')]", "$.a[1:2]", "id", "$['a", "$.a "])
def test_other_paths_are_refused(path: str) -> None:
    columns = {"x": "$.x", "y": path or "y"}
    for files, paths in ((LINES, columns), (DOCUMENT | {"rows": path}, {"x": "$.x"})):
        with pytest.raises(ValueError, match="is no path of the form"):
            load_file(b"{}", files, paths)


def test_an_unknown_encoding_is_the_fault_of_the_yaml() -> None:
    with pytest.raises(PermanentError, match="'utf-9' is unknown"):
        load_file(b"{}", LINES | {"encoding": "utf-9"}, ["x"])


def test_what_does_not_fit_the_encoding_is_refused() -> None:
    assert refusal('{"id": 1}'.encode("utf-16")[:-1], LINES | {"encoding": "utf-16"}, ["id"]) == (
        "it is not encoded in utf-16"
    )


def test_lines_and_documents_that_are_too_long_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_documents, "LONGEST_LINE", 2**20)
    monkeypatch.setattr(json_documents, "LARGEST_DOCUMENT", 2**20)
    large = b'{"id": "' + b"x" * 2**20 + b'"}'
    assert refusal(b'{"id": 1}\n' + large, LINES, ["id"]) == "line 2 is longer than 1 MiB"
    assert "it is larger than 1 MiB" in refusal(large, DOCUMENT, ["id"])


@needs_real_data
def test_a_bulk_export_of_fhir() -> None:
    source = read_source(EXAMPLES / "fhir_bulk.yaml")
    folder = Path(str(REAL_DATA)) / "fhir_r4_bulk_10_patients"
    counts = {
        "Encounter": 1215, "MedicationRequest": 1745, "Procedure": 2056, "DocumentReference": 1215, "Condition": 555,
        "Immunization": 161, "Patient": 13, "Practitioner": 43, "PractitionerRole": 43, "Organization": 43,
        "Location": 44, "Device": 16, "AllergyIntolerance": 11,
    }  # fmt: skip
    for name, count in counts.items():
        content = (folder / f"{name}.000.ndjson").read_bytes()
        loaded = load_file(content, LINES, {"type": "$.resourceType", "resource": "$"})
        assert (loaded.counted, len(loaded.rows)) == (count, count)
        assert loaded.rows == [(name, line) for line in content.decode().splitlines()]
    table = source.tables["encounter"]
    paths = {name: column.path for name, column in table.columns.items()}
    loaded = load_file(folder / "Encounter.000.ndjson", LINES, paths)
    by_class = [dict(zip(loaded.columns, row, strict=True))["class_code"] for row in loaded.rows]
    assert {code: by_class.count(code) for code in set(by_class)} == {
        "AMB": 1133,
        "IMP": 49,
        "EMER": 23,
        "HH": 9,
        "VR": 1,
    }
    for row, line in zip(loaded.rows, (folder / "Encounter.000.ndjson").read_text().splitlines(), strict=True):
        resource, found = json.loads(line), dict(zip(loaded.columns, row, strict=True))
        assert found["id"] == resource["id"]
        assert found["subject_reference"] == resource["subject"]["reference"]
        assert (found["period_start"], found["period_end"]) == (resource["period"]["start"], resource["period"]["end"])
        disposition = resource.get("hospitalization", {}).get("dischargeDisposition")
        assert (None if disposition is None else found["discharge_disposition"]) == (
            None if disposition is None else json.dumps(disposition, separators=(",", ":"), ensure_ascii=False)
        )
        assert found["resource"] == line
