"""Excel, JSON, XML and Parquet, by their content."""

import json
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wardlake.onboard.files import describe
from wardlake.onboard.found import Found, FoundColumn

STAYS = [{"id": number, "ward": {"code": "W1", "floor": number}, "tags": ["a"]} for number in range(5)]


def found_in(*paths: Path) -> tuple[Found, dict[str, list[tuple[object, ...]]]]:
    """What is found in files, and the rows of their samples."""
    with duckdb.connect() as engine:
        found = describe(engine, paths, {})
        return found, {table.name: engine.execute(f"FROM {table.sample}").fetchall() for table in found.tables}


def test_the_sheet_and_the_header_of_a_workbook_are_found(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["This workbook holds the price list."])
    sheet = book.create_sheet("Prices")
    for row in (["Price list"], [], ["Drug Code", "Unit Price", "From"], ["A1", 1.5, "2024-01-01"], ["B2", 2, None]):
        sheet.append(row)
    book.save(tmp_path / "prices_202401.xlsx")
    found, samples = found_in(tmp_path / "prices_202401.xlsx")
    assert found.tables[0].reads["files"] == {
        "pattern": "prices_*.xlsx",
        "format": "xlsx",
        "sheet": "Prices",
        "header_row": 3,
    }
    assert samples["prices"] == [("A1", "1.5", "2024-01-01"), ("B2", "2", None)]


@pytest.mark.parametrize(
    ("content", "spec"),
    [
        (json.dumps(STAYS), {"format": "json"}),
        (json.dumps({"page": 1, "entry": STAYS}), {"format": "json", "rows": "$.entry"}),
        ("\n".join(map(json.dumps, STAYS)), {"format": "jsonl"}),
    ],
)
def test_nested_json_becomes_columns_with_paths(tmp_path: Path, content: str, spec: dict[str, str]) -> None:
    path = tmp_path / "stays.json"
    path.write_text(content)
    found, samples = found_in(path)
    assert found.tables[0].reads["files"] == {"pattern": "stays.json", **spec}
    assert found.tables[0].columns == (
        FoundColumn("id", path="$.id"),
        FoundColumn("ward_code", path="$.ward.code"),
        FoundColumn("ward_floor", path="$.ward.floor"),
        FoundColumn("tags", path="$.tags"),
    )
    assert samples["stays"][1] == ("1", "W1", "1", '["a"]')


def test_flat_json_needs_no_paths(tmp_path: Path) -> None:
    path = tmp_path / "wards.jsonl"
    path.write_text('{"Ward Code": "W1", "rate": 1.10}\n{"Ward Code": "W2", "beds": null}\n')
    found, samples = found_in(path)
    assert [(column.name, column.path) for column in found.tables[0].columns] == [
        ("Ward Code", None), ("rate", None), ("beds", None)
    ]  # fmt: skip
    assert samples["wards"][0] == ("W1", "1.10", None)


@pytest.mark.parametrize(
    ("namespace", "rows", "prefix"), [("", "//Shift", ""), (' xmlns="urn:roster"', "//x:Shift", "x:")]
)
def test_repeated_elements_of_xml_are_rows(tmp_path: Path, namespace: str, rows: str, prefix: str) -> None:
    shifts = "".join(f"<Shift no='{n}'><Ward>W{n}</Ward><Hours>8.0</Hours></Shift>" for n in range(3))
    path = tmp_path / "roster.xml"
    path.write_text(f"<?xml version='1.0'?><Roster{namespace}><Made>today</Made>{shifts}</Roster>")
    found, samples = found_in(path)
    files = found.tables[0].reads["files"]
    assert isinstance(files, dict)
    assert files["rows"] == rows
    assert files.get("namespaces") == ({"x": "urn:roster"} if namespace else None)
    assert [column.path for column in found.tables[0].columns] == ["@no", f"{prefix}Ward", f"{prefix}Hours"]
    assert samples["roster"][2] == ("2", "W2", "8.0")


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": pa.array([1], pa.int32()), "cost": pa.array(["1"])}), tmp_path / "bill_2024.parquet")
    found, _ = found_in(tmp_path / "bill_2024.parquet")
    assert found.tables[0].columns == (FoundColumn("id", "INTEGER"), FoundColumn("cost", "VARCHAR"))


def test_a_folder_holds_many_tables_and_what_is_none_is_told(tmp_path: Path) -> None:
    for month in (1, 2):
        (tmp_path / f"ae_2024_{month:02}.csv").write_text(f"org,type\nR{month},1\n")
    (tmp_path / "wards.txt").write_text("ward|beds\nW1|3\nW2|4\n")
    (tmp_path / "README.txt").write_text("Files of the month, as delivered.\nMore will come.\n")
    (tmp_path / "message.hl7").write_text("MSH|^~\\&|ADT\rPID|1\r")
    (tmp_path / ".hidden").write_text("a,b\n1,2\n")
    found, samples = found_in(tmp_path)
    assert [(table.name, table.description) for table in found.tables] == [
        ("ae", "Files ae_*.csv."),
        ("wards", "Files wards.txt."),
    ]
    assert samples["ae"] == [("R1", "1"), ("R2", "1")]
    assert len(found.left_out) == 2
    assert "README.txt was left out" in " ".join(found.left_out)
    assert "docs/sources/hl7.md" in " ".join(found.left_out)


def test_a_file_with_another_header_is_told(tmp_path: Path) -> None:
    (tmp_path / "ae_2024.csv").write_text("org,type\nR1,1\n")
    (tmp_path / "ae_2025.csv").write_text("org,kind\nR1,1\n")
    found, samples = found_in(tmp_path)
    assert samples["ae"] == [("R1", "1")]
    assert found.tables[0].notes == ("ae_2025.csv has another header than the first file, and would be refused",)
