"""Rows of JSON documents (`json`) and of files with one document a line (`jsonl`), every value as it is written."""

import codecs
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import duckdb
from msgspec import Raw

from wardlake.bronze.readers.files.formats import BrokenFileError, FileRows
from wardlake.bronze.readers.files.text_rows import names_in_order, text_columns, write_text_rows
from wardlake.bronze.readers.json_text import located, opened, parsed, places_of, rows_at, texts
from wardlake.errors import PermanentError
from wardlake.sources import Table
from wardlake.sources.files import JsonFiles
from wardlake.sources.json_path import steps_of

LONGEST_LINE = 64 * 1024**2
LARGEST_DOCUMENT = 256 * 1024**2
CHUNK = 1024**2
MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Rows = Callable[[], Iterator[tuple[int, Raw]]]
"""The rows with their places, counted from 1; each call begins again."""


def load(_engine: duckdb.DuckDBPyConnection, spec: JsonFiles, table: Table, path: Path, work: Path) -> FileRows:
    """The rows of a JSON file. `_line` is the line (`jsonl`) or the place among the document's rows (`json`).

    Without any `path` in the table, the keys of the rows are the columns.

    Raises:
        BrokenFileError: no JSON; a key that stands twice; no rows at `spec.rows`; a line or document that is too long.
        PermanentError: the encoding is unknown.
    """
    with path.open("rb") as stream:
        has_mark = stream.read(3).startswith(MARKS)
    plain = _as_utf8(path, spec.encoding, work)
    rows: Rows
    if spec.format == "json":
        unit, content = "row", _content(plain)
        counted = len(rows_at(parsed(content, "it", steps_of(spec.rows)), spec.rows))
        rows = partial(_rows_of_document, content, spec.rows)
    else:
        unit = "line"
        counted = _count_lines(plain)
        rows = partial(_rows_of_lines, plain)
    names = _names(table, rows, unit)
    columns = text_columns(names)
    query = write_text_rows(work, names, texts(rows(), places_of(table, names).values(), unit))
    return FileRows(query, columns, counted, byte_order_mark=has_mark)


def _as_utf8(path: Path, encoding: str, work: Path) -> Path:
    """The file itself, or a copy of it in UTF-8."""
    try:
        if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
            return path
        with (
            path.open(encoding=encoding, newline="") as source,
            tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", dir=work, delete=False) as copy,
        ):
            while text := source.read(CHUNK):
                copy.write(text)
    except LookupError:
        raise PermanentError(
            f"The encoding '{encoding}' is unknown.",
            remedy="Use a name that Python knows, such as cp1252, in the YAML.",
        ) from None
    except UnicodeError:
        raise BrokenFileError(f"it is not encoded in {encoding}") from None
    return Path(copy.name)


def _names(table: Table, rows: Rows, unit: str) -> list[str]:
    """Names of the columns."""
    if any(column.path for column in table.columns.values()):
        return list(table.columns)
    found: dict[str, None] = {}
    is_empty = True
    for place, row in rows():
        is_empty = False
        found |= dict.fromkeys(located(unit, place, _keys_of, row))
    return names_in_order(table, found, is_empty=is_empty)


def _keys_of(row: Raw) -> dict[str, Raw]:
    keys = opened(row)
    if not isinstance(keys, dict):
        raise BrokenFileError("it is no object with keys, and the table's columns have no 'path'")
    return keys


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not empty, without white space around them."""
    with path.open("rb") as stream:
        if stream.read(3) != codecs.BOM_UTF8:
            stream.seek(0)
        number = 0
        while line := stream.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise BrokenFileError(f"line {number} is longer than {LONGEST_LINE >> 20} MiB")
            if line := line.strip():
                yield number, line


def _rows_of_lines(path: Path) -> Iterator[tuple[int, Raw]]:
    return ((number, Raw(line)) for number, line in _lines(path))


def _count_lines(path: Path) -> int:
    counted = 0
    for number, line in _lines(path):
        parsed(line, f"line {number}")
        counted += 1
    return counted


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_DOCUMENT:
        raise BrokenFileError(f"it is larger than {LARGEST_DOCUMENT >> 20} MiB; ask for JSON lines (format: jsonl)")
    return path.read_bytes().removeprefix(codecs.BOM_UTF8).strip()


def _rows_of_document(content: bytes, path: str) -> Iterator[tuple[int, Raw]]:
    return enumerate(rows_at(Raw(content), path), start=1)
