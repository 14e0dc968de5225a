"""The pharmacy's files: the same bytes each time, and as awkward as such files are."""

import codecs
import csv
import time
from pathlib import Path

import duckdb
import openpyxl
import pytest

from wardlake.reference import PLANTED
from wardlake.reference.load import FILES
from wardlake.reference.pharmacy import HEADER, write_files


@pytest.fixture(scope="module")
def files(hospital: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pharmacy")
    write_files(hospital, folder)
    return folder


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=";"))


def test_the_bytes_do_not_depend_on_the_time_of_writing(
    hospital: duckdb.DuckDBPyConnection, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.localtime(time.time() + 86_400)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    again = write_files(hospital, tmp_path)
    assert [path.name for path in again] == sorted(FILES)
    assert all(path.read_bytes() == (files / path.name).read_bytes() for path in again)


def test_a_price_list_has_notes_and_titles_before_its_header(files: Path, hospital: duckdb.DuckDBPyConnection) -> None:
    book = openpyxl.load_workbook(files / "price_list_202504.xlsx")
    assert book.sheetnames == ["Read me", "Prices"]
    rows = list(book["Prices"].iter_rows(values_only=True))
    assert rows[2] == HEADER
    assert [sum(value is not None for value in row) for row in rows[:2]] == [1, 1]
    assert len(rows) - 3 == hospital.execute("select count(*) from ehr.drug").fetchall()[0][0]
    assert {row[4] for row in rows[3:]} == {"EUR"}
    assert {f"{row[5]:%Y-%m-%d}" for row in rows[3:]} == {"2025-04-01"}


def test_one_dispensing_file_has_a_byte_order_mark_and_one_a_line_of_totals(files: Path) -> None:
    names = [name for name in FILES if name.startswith("dispensing")]
    assert len(names) == 12
    marked = [name for name in names if (files / name).read_bytes().startswith(codecs.BOM_UTF8)]
    assert marked == ["dispensing_202503.csv"]
    planted = next(row.key for row in PLANTED if row.rule_id.endswith("byte_order_mark"))
    assert lines(files / marked[0])[0]["Line No"] == planted["Line No"]

    totals = {name: lines(files / name)[-1] for name in names if lines(files / name)[-1]["Line No"] == "Total"}
    assert list(totals) == ["dispensing_202506.csv"]
    clean = lines(files / "dispensing_202506.csv")[:-1]
    assert int(totals["dispensing_202506.csv"]["Quantity"]) == sum(int(line["Quantity"]) for line in clean)
