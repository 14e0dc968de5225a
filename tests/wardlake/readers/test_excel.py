"""Workbooks: the values of cells as text, one header, and no row or value that goes missing unseen."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import REAL_DATA, load_file, needs_real_data, refusal

from wardlake.bronze.readers.files import excel
from wardlake.settings import PROJECT_ROOT
from wardlake.sources import read_source

EXCEL = {"format": "xlsx"}


def workbook(*rows: list[Any], sheet: str = "Data", change: Callable[[Any], object] = id) -> bytes:
    """An .xlsx of one sheet."""
    book = openpyxl.Workbook()
    filled = book.worksheets[0]
    filled.title = sheet
    for number, row in enumerate(rows, start=1):
        for place, value in enumerate(row, start=1):
            if value is not None:
                filled.cell(number, place, value)
    change(filled)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def edited(content: bytes, part: str, *changes: tuple[str, str]) -> bytes:
    """A workbook with text in one of its parts replaced: what openpyxl itself does not write."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == part:
                for before, after in changes:
                    assert before.encode() in text
                    text = text.replace(before.encode(), after.encode())
            new.writestr(name, text)
    return stream.getvalue()


SHEET_XML = "xl/worksheets/sheet1.xml"


def test_cells_are_text_as_excel_shows_their_value() -> None:
    values = {
        "7": 7, "7.0": 7.0, "0.3": 0.1 + 0.2, "-0": -0.0, "1e300": 1e21, "small": 1.5e-7, "true": True,
        "text": "  007 ", "day": date(2024, 2, 29), "midnight": datetime.fromisoformat("2024-02-29"),
        "time": time(7, 30), "moment": datetime.fromisoformat("2024-02-29T07:30:15"),
        "long": timedelta(hours=30, minutes=5), "none": None,
    }  # fmt: skip
    loaded = load_file(workbook(["k", *values], ["row", *values.values()]), EXCEL, ["k"])
    assert dict(zip(loaded.columns, loaded.rows[0], strict=True)) == {
        "k": "row", "7": "7", "7.0": "7", "0.3": "0.3", "-0": "0", "1e300": "1" + "0" * 21, "small": "0.00000015",
        "true": "true", "text": "  007 ", "day": "2024-02-29", "midnight": "2024-02-29", "time": "07:30:00",
        "moment": "2024-02-29 07:30:15", "long": "30:05:00", "none": None,
    }  # fmt: skip


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.decimals(-(10**9), 10**9, places=5) | st.integers(-(10**15) + 1, 10**15 - 1), min_size=1, max_size=20)
)
def test_numbers_of_fifteen_digits_keep_them_all(numbers: list[Decimal | int]) -> None:
    content = workbook(["n"], *([float(number)] for number in numbers))
    assert [Decimal(row[0]) for row in load_file(content, EXCEL, ["n"]).rows] == [Decimal(number) for number in numbers]


def test_floating_point_noise_of_formulas_is_not_shown() -> None:
    content = edited(workbook(["n"], [0.5]), SHEET_XML, ("<v>0.5</v>", "<f>0.1+0.2</f><v>0.30000000000000004</v>"))
    assert load_file(content, EXCEL, ["n"]).rows == [("0.3",)]


def test_an_error_in_a_cell_stays_visible() -> None:
    def change(sheet: Any) -> None:
        for place in ("B2", "A3"):
            sheet[place] = "#REF!"
            sheet[place].data_type = "e"

    loaded = load_file(workbook(["a", "b"], ["x", None], [], ["y", 1], change=change), EXCEL, ["a"])
    assert loaded.rows == [("x", "#REF!"), ("#REF!", None), ("y", "1")]
    assert loaded.counted == 3


def test_rows_have_the_numbers_of_the_sheet_and_empty_rows_are_no_records() -> None:
    content = workbook(["a", "b"], ["x", 1], [], [" ", None], ["y", None])
    loaded = load_file(content, EXCEL, ["a"])
    assert (loaded.rows, loaded.lines, loaded.counted) == ([("x", "1"), ("y", None)], [2, 5], 2)


def test_a_header_below_a_preamble_and_right_of_the_first_column() -> None:
    content = workbook(
        ["Report of June"], [], [None, None, "Ward\n name ", "Beds"], [None, None, "A", 3], [None, None, "Note"]
    )
    loaded = load_file(content, EXCEL | {"header_row": 3, "last_row": 4}, ["Ward name"])
    assert (loaded.columns, loaded.rows, loaded.lines, loaded.counted) == (["Ward name", "Beds"], [("A", "3")], [4], 1)


def test_merged_titles_are_joined_with_the_names_below() -> None:
    def change(sheet: Any) -> None:
        for merged in ("A1:A2", "B1:C1", "D1:E1"):
            sheet.merge_cells(merged)

    rows = [["Ward", "Nurses", None, "Doctors"], [None, "Planned", "Worked", "Planned", "Worked"], ["A", 1, 2, 3, 4]]
    loaded = load_file(workbook(*rows, change=change), EXCEL | {"header_rows": 2}, ["Ward"])
    assert loaded.columns == ["Ward", "Nurses / Planned", "Nurses / Worked", "Doctors / Planned", "Doctors / Worked"]
    assert loaded.rows == [("A", "1", "2", "3", "4")]


def test_totals_rows_are_left_out_and_counted() -> None:
    rows = [
        ["Ward", "Role", "n"],
        ["A", "Nurse", 1],
        ["Total A", None, 1],
        ["Total B", "Nurse", 9],
        ["Total", None, 10],
    ]
    loaded = load_file(workbook(*rows), EXCEL | {"totals": {"Ward": "Total*", "Role": ""}}, ["Ward"])
    assert loaded.rows == [("A", "Nurse", "1"), ("Total B", "Nurse", "9")]
    assert (loaded.counted, loaded.left_out) == (2, 2)


def test_numbers_that_were_typed_as_text() -> None:
    rows = [
        ["n", "text"],
        ["1.234.567,50", "1.234,5"],
        [1234.5, "x"],
        [1.234, "x"],
        [" -12,5", "x"],
        ["n/a", "x"],
        ["1.23", "x"],
    ]
    files = EXCEL | {"numbers": ["n"], "decimal": ",", "thousands": "."}
    loaded = load_file(workbook(*rows), files, ["n"])
    assert [row[0] for row in loaded.rows] == ["1234567.50", "1234.5", "1.234", "-12.5", "n/a", "1.23"]
    assert loaded.rows[0][1] == "1.234,5"


@pytest.mark.parametrize(
    ("sheet", "found"), [(None, "notes"), ("Data 2024", "2024"), ("Data*4", "2024"), ("Data", "data")]
)
def test_a_sheet_has_a_name_or_a_pattern(sheet: str | None, found: str) -> None:
    book = openpyxl.Workbook()
    for name, value in (("Notes", "notes"), ("Data", "data"), ("Data 2024", "2024")):
        book.create_sheet(name).append(["a"])
        book[name].append([value])
    del book["Sheet"]
    assert load_file(saved(book), EXCEL | {"sheet": sheet}, ["a"]).rows == [(found,)]


def test_a_sheet_without_rows_below_its_header() -> None:
    loaded = load_file(workbook(["a", "b"]), EXCEL, ["a"])
    assert (loaded.columns, loaded.rows, loaded.counted) == (["a", "b"], [], 0)


def test_a_column_without_header_and_without_values_is_no_column() -> None:
    loaded = load_file(workbook(["a", None, "c"], ["x", None, "y"], ["z", None, None]), EXCEL, ["a"])
    assert (loaded.columns, loaded.rows) == (["a", "c"], [("x", "y"), ("z", None)])


def test_a_spreadsheet_of_opendocument() -> None:
    cells = [["Ward", "Beds"], ["A", 3.5], ["B", 4]]
    rows = "".join(f"<table:table-row>{''.join(_ods_cell(value) for value in row)}</table:table-row>" for row in cells)
    namespaces = " ".join(
        f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"' for prefix in ("office", "table", "text")
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f"<office:document-content {namespaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="Data">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    loaded = load_file(stream.getvalue(), EXCEL, ["Ward"])
    assert (loaded.rows, loaded.lines, loaded.counted) == ([("A", "3.5"), ("B", "4")], [2, 3], 2)


def _ods_cell(value: str | float) -> str:
    if isinstance(value, str):
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{value}"/>'


ONE = workbook(["a"], ["SECRET"])
OLD = bytes.fromhex("d0cf11e0a1b11ae1")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"<html><table><tr><td>SECRET</td></tr></table></html>", "it is HTML or XML"),
        (b"a;b\nSECRET;2\n", "it is no workbook"),
        (ONE[: len(ONE) // 2], "cut off or damaged"),
        (OLD + b"\0" * 2000, "damaged, or has a password"),
        (OLD + b"\0" * 2000 + "EncryptedPackage".encode("utf-16-le"), "password"),
        (edited(ONE, SHEET_XML, ("</row>", "</rows>")), "do not fit together"),
        (edited(ONE, "xl/_rels/workbook.xml.rels", ("worksheets/sheet1.xml", "worksheets/sheet7.xml")), "damaged"),
        (workbook(["a", "b", "a"], ["SECRET", 1, 2]), "cells A1 and C1 of the header have one name"),
        (workbook(["a", "A"], ["SECRET", 1]), "'a' and 'A' differ in nothing but upper and lower case"),
        (workbook(["a", None], ["x", None], ["x", "SECRET"]), "cell B3 has a value, but its column has no header"),
        (workbook([], ["SECRET"]), "the sheet 'Data' has no header in row 1"),
        (workbook(), "the sheet 'Data' has no header in row 1"),
        (workbook(["a", "b"], ["SECRET", "=1+1"]), "the formula in cell B2 has no stored result"),
    ],
)
def test_workbooks_that_are_refused(content: bytes, told: str) -> None:
    reason = refusal(content, EXCEL, ["a"])
    assert told in reason
    assert "SECRET" not in reason


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"sheet": "Beds"}, "0 of its sheets are called 'Beds'; it has: Data, Data 2"),
        ({"sheet": "Da*"}, "2 of its sheets are called 'Da*'; it has: Data, Data 2"),
        ({"header_row": 9}, "no header in row 9"),
        ({"totals": {"Ward": "Total"}}, "its header lacks the columns ['Ward']"),
    ],
)
def test_workbooks_that_do_not_fit_the_yaml_are_refused(files: dict[str, Any], told: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(ONE))
    book.create_sheet("Data 2")
    assert told in refusal(saved(book), EXCEL | files, ["a"])


def test_a_workbook_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "LARGEST_UNPACKED", 2**10)
    assert re.search(r"holds \d+ MiB when it is unpacked", refusal(ONE, EXCEL, ["a"]))


@needs_real_data
def test_a_workbook_of_81603_rows() -> None:
    path = Path(str(REAL_DATA)) / "nhs_trust_staffing_beds" / "hchs_staff_by_group_org_2017sep_2018jun.xlsx"
    loaded = load_file(path, EXCEL | {"sheet": "Data"}, ["Month"])
    assert (loaded.counted, len(loaded.rows)) == (81_603, 81_603)
    assert loaded.columns == ["Month", "Organisation code", "Organisation name", "Staff group", "Nationality", "FTE"]
    assert loaded.rows[0][-1] == "0.1"
    assert sum(Decimal(row[-1]) for row in loaded.rows) == _sum_of_column_f(path)


def _sum_of_column_f(path: Path) -> Decimal:
    sheet = openpyxl.load_workbook(path, read_only=True)["Data"]
    cells = sheet.iter_rows(min_row=2, min_col=6, max_col=6, values_only=True)
    return sum((Decimal(f"{value:.15g}") for (value,) in cells), Decimal(0))


@needs_real_data
def test_a_workbook_of_many_sheets_with_notes_beside_the_tables() -> None:
    path = Path(str(REAL_DATA)) / "nhs_trust_staffing_beds" / "delayed_discharges_flourish_data.xlsx"
    rows = {}
    for name in openpyxl.load_workbook(path, read_only=True).sheetnames:
        if name not in ("Figure 3", "Figure 5"):
            loaded = load_file(path, EXCEL | {"sheet": name}, ["org_code"])
            assert loaded.counted == len(loaded.rows)
            rows[name] = loaded.counted
    assert (len(rows), rows["All trusts staffing"], rows["Most Improved Consistency"]) == (11, 717, 126)
    assert "cell N110 has a value" in refusal(path, EXCEL | {"sheet": "Figure 3"}, ["org_code"])
    loaded = load_file(path, EXCEL | {"sheet": "Figure 3", "last_row": 105}, ["org_code"])
    assert loaded.counted == len(loaded.rows)


def test_the_example_of_the_docs_is_read() -> None:
    source = read_source(PROJECT_ROOT / "docs" / "sources" / "examples" / "excel_staffing.yaml")
    spec = source.tables["staffing"].files
    assert spec is not None

    def change(sheet: Any) -> None:
        sheet.merge_cells("C3:D3")

    content = workbook(
        ["Staffing of June"], [], [None, None, "Nurses"], ["Ward", "Since", "Planned", "Worked"],
        ["A1", date(2024, 6, 1), 12, "1.010,5"], ["Total", None, 12, 1010.5], sheet="Wards June", change=change,
    )  # fmt: skip
    loaded = load_file(content, spec.model_dump(), list(source.tables["staffing"].columns))
    assert loaded.columns == list(source.tables["staffing"].columns)
    assert (loaded.rows, loaded.left_out) == ([("A1", "2024-06-01", "12", "1010.5")], 1)
