"""Excel workbooks: the sheet with a table, and the row of its header below titles and notes."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

import duckdb
from python_calamine import CalamineError, CalamineWorkbook

from wardlake.onboard.content import File
from wardlake.onboard.conventions import settle
from wardlake.onboard.delimited import Described
from wardlake.onboard.found import SAMPLE_ROWS, FoundColumn, UnreadableError, create_text_sample, refuse_unusable

SEARCHED_ROWS = 50
Cells = Sequence[Sequence[object]]


def describe(engine: duckdb.DuckDBPyConnection, files: Sequence[File], sample: str) -> Described:
    """Describe workbooks of one pattern by the first of them, and fill the sample from it.

    Raises:
        UnreadableError: no sheet has a header.
    """
    try:
        book = CalamineWorkbook.from_path(str(files[0].path))
        sheets = {
            name: book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=SAMPLE_ROWS + SEARCHED_ROWS)
            for name in book.sheet_names
        }
    except (CalamineError, OSError) as error:
        raise UnreadableError(f"it is no workbook that can be read ({type(error).__name__})") from None
    headers = {name: row for name, cells in sheets.items() if (row := header_row(cells)) is not None}
    if not headers:
        raise UnreadableError("no sheet has a row that looks like a header")
    chosen = max(headers, key=lambda name: len(sheets[name]) - headers[name])
    cells, row = sheets[chosen], headers[chosen]
    header = [_text(value) or "" for value in cells[row]]
    while header and not header[-1]:
        header.pop()
    refuse_unusable(header)
    rows = [[_text(value) for value in line[: len(header)]] for line in cells[row + 1 :] if any(map(_text, line))]
    create_text_sample(engine, sample, header, rows)
    spec: dict[str, object] = {"format": "xlsx"}
    notes = []
    if chosen != book.sheet_names[0]:
        spec["sheet"] = chosen
    if row:
        spec["header_row"] = row + 1
    if others := [name for name in headers if name != chosen]:
        notes.append(f"other sheets look like tables too: {', '.join(others)}")
    if len(files) > 1:
        notes.append(f"described by {files[0].name} alone")
    settled = settle(engine, sample, header, 1)
    settled.spec.pop("null_text", None)  # cells of a workbook are empty or are not
    return Described(spec | settled.spec, tuple(map(FoundColumn, header)), notes + settled.notes)


def header_row(cells: Cells) -> int | None:
    """Index of the first row of different texts, as many as most rows have cells; None: no table."""
    widths = Counter(_width(line) for line in cells if _width(line) > 1)
    if not widths:
        return None
    usual = max(widths, key=lambda width: (widths[width], width))
    for number, line in enumerate(cells[:SEARCHED_ROWS]):
        values = [value for value in line if _text(value)]
        if (
            _width(line) >= usual
            and len(values) == _width(line)
            and all(isinstance(value, str) for value in values)
            and len({str(value) for value in values}) == len(values)
            and number + 1 < len(cells)
        ):
            return number
    return None


def _width(line: Sequence[object]) -> int:
    """Place of the last cell that is not empty."""
    return max((number for number, value in enumerate(line, start=1) if _text(value)), default=0)


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
