"""The files that the pharmacy sends: quarterly price lists (Excel) and monthly dispensing (CSV), byte for byte the same
for the same seed and scale."""

import codecs
import re
import zipfile
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

import duckdb
from openpyxl import Workbook

from wardlake.errors import PermanentError

QUARTERS = (1, 4, 7, 10)
MONTH_WITH_BYTE_ORDER_MARK = 3
MONTH_WITH_TOTALS = 6
EPOCH = (2025, 1, 1, 0, 0, 0)
"""Time stamp of every part of a workbook: a zip file would otherwise carry the time of writing."""

HEADER = ("Drug Code", "Drug Name", "Pricing Unit", "Unit Price", "Currency", "Effective From")
NOTES = (
    "Price list of the hospital pharmacy",
    "Prices are purchase prices in EUR for one pricing unit (EA: each, ML: millilitre, G: gram).",
    "A price holds from its date until the next list.",
)


def write_files(engine: duckdb.DuckDBPyConnection, folder: Path, *, is_clean: bool = False) -> list[Path]:
    """Write all files of the year into a folder; returns them sorted by name.

    Clean files are those without a byte-order mark and without a line of totals.
    """
    made = [_price_list(engine, folder, month) for month in QUARTERS]
    made += [_dispensing(engine, folder, month) for month in range(1, 13)]
    if not is_clean:
        _dirty(engine, folder)
    return sorted(made)


def _price_list(engine: duckdb.DuckDBPyConnection, folder: Path, month: int) -> Path:
    """A workbook with a sheet of notes, then a sheet `Prices`: two title rows, the header, a row for each price."""
    rows = engine.execute(
        """
        SELECT drug_cd, drug_nm, pricing_unit, unit_price, 'EUR', effective_from FROM pharmacy.price
        WHERE date_trunc('quarter', effective_from) = make_date(2025, $month, 1)
        ORDER BY effective_from, drug_cd
        """,
        {"month": month},
    ).fetchall()
    book = Workbook()
    notes = book.active
    if notes is None:
        raise PermanentError("openpyxl made a workbook without a sheet.", remedy="Install the locked version.")
    notes.title = "Read me"
    for note in NOTES:
        notes.append([note])
    prices = book.create_sheet("Prices")
    prices.append(["Hospital pharmacy, price list"])
    prices.append([f"Quarter from {date(2025, month, 1):%d.%m.%Y}"])
    prices.append(list(HEADER))
    for row in rows:
        prices.append(list(row))
    path = folder / f"price_list_2025{month:02d}.xlsx"
    path.write_bytes(_without_times(book))
    return path


def _without_times(book: Workbook) -> bytes:
    """A workbook's bytes with all times of writing replaced by one constant."""
    book.properties.created = datetime(*EPOCH)  # noqa: DTZ001  Excel's properties carry no zone
    written, steady = BytesIO(), BytesIO()
    book.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(steady, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            content = source.read(part)
            if part.filename == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2025-01-01T00:00:00Z", content)
            info = zipfile.ZipInfo(part.filename, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)
    return steady.getvalue()


def _dispensing(engine: duckdb.DuckDBPyConnection, folder: Path, month: int) -> Path:
    path = _dispensing_path(folder, month)
    engine.execute(
        f"""
        COPY (
            SELECT
                line_no AS "Line No",
                date AS "Date",
                case_no AS "Case No",
                drug_cd AS "Drug Code",
                quantity AS "Quantity",
                kind AS "Kind",
                unit_price AS "Unit Price",
                corrects AS "Corrects"
            FROM pharmacy.line
            WHERE month(date) = {month}
            ORDER BY line_no
        ) TO '{path}' (FORMAT csv, HEADER, DELIMITER ';')
        """
    )
    return path


def _dirty(engine: duckdb.DuckDBPyConnection, folder: Path) -> None:
    marked = _dispensing_path(folder, MONTH_WITH_BYTE_ORDER_MARK)
    marked.write_bytes(codecs.BOM_UTF8 + marked.read_bytes())
    month = MONTH_WITH_TOTALS
    total = engine.execute("SELECT sum(quantity)::BIGINT FROM pharmacy.line WHERE month(date) = $m", {"m": month})
    with _dispensing_path(folder, month).open("a", encoding="utf-8") as stream:
        stream.write(f"Total;;;;{total.fetchall()[0][0]};;;\n")


def _dispensing_path(folder: Path, month: int) -> Path:
    return folder / f"dispensing_2025{month:02d}.csv"
