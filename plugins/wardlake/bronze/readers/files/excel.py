"""Rows of a sheet of an Excel workbook (.xlsx, .xlsm, .xls, .xlsb) or of an OpenDocument spreadsheet (.ods)."""

import fnmatch
import itertools
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from openpyxl.utils import get_column_letter
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum

from wardlake.bronze.readers.files.formats import BrokenFileError, FileRows
from wardlake.bronze.readers.files.sheet_xml import SheetFacts, look_through
from wardlake.bronze.readers.files.text_rows import TextRow, text_columns, write_text_rows
from wardlake.sources import Table
from wardlake.sources.files import ExcelFiles

LARGEST_UNPACKED = 1024**3
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""Name of the stream that an .xlsx with a password becomes, inside a file of the old format."""
OLD_FORMAT = bytes.fromhex("d0cf11e0a1b11ae1")


def load(_engine: duckdb.DuckDBPyConnection, spec: ExcelFiles, _table: Table, path: Path, work: Path) -> FileRows:
    """The rows of a sheet; `_line` is the row's number in the sheet. Rows of nothing but white space are no records.

    A second reader counts the filled rows of .xlsx and .xlsm. The binary formats and .ods have no other reader here:
    their rows are counted as they are read.

    Raises:
        BrokenFileError: no workbook; a password; no such sheet; a header without names or with one twice; a value whose
            column has no header; a formula without a result.
    """
    suffix = _suffix(path)
    sheet = _sheet(path, suffix, spec.sheet, work)
    first = spec.header_row + spec.header_rows
    rows = _rows(sheet)
    columns = _header(sheet, rows, spec)
    names = list(columns.values())
    described = text_columns(names)
    if missing := [name for name in spec.totals if name not in names]:
        raise BrokenFileError(f"its header lacks the columns {missing}, by which totals rows are known")
    has_xml = suffix == ".xlsx"
    facts = look_through(path, sheet.name, first, spec.last_row) if has_xml else SheetFacts()
    records = _Records(spec, columns, facts.errors)
    query = write_text_rows(work, names, records.read(rows))
    filled = facts.rows if has_xml else records.filled
    return FileRows(query, described, filled - records.left_out, records.left_out)


def _suffix(path: Path) -> str:
    """The suffix that belongs to the file's content, whatever its name is."""
    with path.open("rb") as stream:
        head = stream.read(8)
    if head == OLD_FORMAT:
        return ".xlsx" if ENCRYPTED in path.read_bytes() else ".xls"
    if not head.startswith(b"PK"):
        kind = "empty" if not head else "HTML or XML" if head.lstrip().startswith(b"<") else "no workbook"
        raise BrokenFileError(f"it is {kind}, whatever its name says: save it as .xlsx in Excel")
    try:
        with zipfile.ZipFile(path) as archive:
            parts = [part.filename.lower() for part in archive.infolist()]
            unpacked = sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile:
        raise BrokenFileError("the workbook is cut off or damaged") from None
    if unpacked > LARGEST_UNPACKED:
        raise BrokenFileError(f"the workbook holds {unpacked >> 20} MiB when it is unpacked, more than are read")
    if "content.xml" in parts:
        return ".ods"
    return ".xlsb" if any(part.endswith("workbook.bin") for part in parts) else ".xlsx"


def _sheet(path: Path, suffix: str, wanted: str | None, work: Path) -> CalamineSheet:
    # calamine tells a password from damage if the suffix is right
    link = Path(tempfile.mkdtemp(dir=work)) / f"workbook{suffix}"
    link.symlink_to(path.absolute())
    try:
        with CalamineWorkbook.from_path(link) as book:
            sheets = [each.name for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
            found = [name for name in sheets if wanted is None or fnmatch.fnmatchcase(name, wanted)]
            if wanted in sheets:
                found = [wanted]
            if not found or (wanted and len(found) > 1):
                raise BrokenFileError(f"{len(found)} of its sheets are called '{wanted}'; it has: {', '.join(sheets)}")
            return book.get_sheet_by_name(found[0])
    except PasswordError:
        raise BrokenFileError("the workbook has a password: save it without one") from None
    except CalamineError:
        raise BrokenFileError("the workbook is damaged, or has a password") from None


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[Any]]]:
    """All rows from the sheet's first on, with their numbers; cells begin with column A."""
    left = [""] * (sheet.start[1] if sheet.start else 0)
    return ((number, left + row) for number, row in enumerate(sheet.iter_rows(), start=1))


def _header(sheet: CalamineSheet, rows: Iterator[tuple[int, list[Any]]], spec: ExcelFiles) -> dict[int, str]:
    """Names of the columns by their places, counted from 1; takes the rows up to the header's last one."""
    last = spec.header_row + spec.header_rows - 1
    head = {number: [_text(value) for value in cells] for number, cells in itertools.islice(rows, last)}
    if last not in head or not any(any(head[number]) for number in range(spec.header_row, last + 1)):
        raise BrokenFileError(f"the sheet '{sheet.name}' has no header in row {last}")
    for (top, left), (_, right) in sheet.merged_cell_ranges or []:
        if spec.header_row <= top + 1 <= last and left < len(head[top + 1]):
            title = head[top + 1][left]
            head[top + 1][left : right + 1] = [title] * len(head[top + 1][left : right + 1])
    columns: dict[int, str] = {}
    for place, titles in enumerate(zip(*(head[row] for row in range(spec.header_row, last + 1)), strict=True), start=1):
        name = " / ".join(" ".join(title.split()) for title in titles if title)
        if name in columns.values():
            first = next(known for known in columns if columns[known] == name)
            raise BrokenFileError(f"cells {_cell(first, last)} and {_cell(place, last)} of the header have one name")
        if name:
            columns[place] = name
    return columns


@dataclass
class _Records:
    """Reads the rows below the header: `filled` is the number of rows with content, `left_out` of totals among them."""

    spec: ExcelFiles
    columns: dict[int, str]
    errors: dict[int, dict[int, str]]
    filled: int = 0
    left_out: int = 0

    def read(self, rows: Iterator[tuple[int, list[Any]]]) -> Iterator[TextRow]:
        """Records with the texts of the columns.

        Raises:
            BrokenFileError: a cell below no header has a value.
        """
        plain_number = _plain_number(self.spec)
        for number, cells in rows:
            if self.spec.last_row and number > self.spec.last_row:
                return
            texts = {place: _text(value) for place, value in enumerate(cells, start=1)} | self.errors.get(number, {})
            if not any(text and not text.isspace() for text in texts.values()):
                continue
            self.filled += 1
            if lost := [place for place, text in texts.items() if text and place not in self.columns]:
                raise BrokenFileError(f"cell {_cell(lost[0], number)} has a value, but its column has no header")
            named = {name: texts[place] for place, name in self.columns.items()}
            if self._is_total(named):
                self.left_out += 1
                continue
            for place, name in self.columns.items():
                if name in self.spec.numbers and isinstance(cells[place - 1], str):
                    named[name] = plain_number(named[name])
            yield number, list(named.values())

    def _is_total(self, named: dict[str, str | None]) -> bool:
        patterns = self.spec.totals.items()
        return bool(patterns) and all(fnmatch.fnmatchcase(named[name] or "", pattern) for name, pattern in patterns)


def _plain_number(spec: ExcelFiles) -> Callable[[str | None], str | None]:
    """Puts a number that stands as text into the form 1234.5; other text stays as it is."""
    decimal, thousands = re.escape(spec.decimal), re.escape(spec.thousands)
    grouped = rf"\d{{1,3}}({thousands}\d{{3}})+|" if thousands else ""
    number = re.compile(rf"[+-]?({grouped}\d+)({decimal}\d+)?")

    def plain(text: str | None) -> str | None:
        if text is None or not number.fullmatch(text.strip()):
            return text
        return text.strip().replace(spec.thousands, "").replace(spec.decimal, ".")

    return plain


def _text(value: Any) -> str | None:
    """A cell as text: numbers with the 15 digits that Excel shows, dates and times in ISO 8601."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        # adding 0.0 makes 0 of -0
        text = f"{value + 0.0:.15g}"
        return f"{Decimal(text):f}" if "e" in text else text
    if isinstance(value, timedelta):
        minutes, seconds = divmod(value.total_seconds(), 60)
        return f"{int(minutes // 60):02}:{int(minutes % 60):02}:{seconds:02.0f}"
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date().isoformat()
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


def _cell(place: int, row: int) -> str:
    return f"{get_column_letter(place)}{row}"
