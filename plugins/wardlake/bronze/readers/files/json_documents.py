"""Rows of JSON documents (`json`) and of files with one document a line (`jsonl`), every value as it is written.

DuckDB's own JSON functions are not used: they turn 1.10 into 1.1 and keep 17 digits of a number. msgspec hands out the
bytes of a value. Python's parser reads every file before it: it counts the rows, and finds what msgspec passes over (a
key that stands twice in an object, of which it keeps the last).
"""

import codecs
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import duckdb

from wardlake.bronze.readers.files.formats import BrokenFileError, FileRows
from wardlake.bronze.readers.files.json_path import Branch, Raw, Step, is_object, keys_of, list_items, members, steps_of
from wardlake.bronze.readers.files.text_rows import TextRow, names_in_order, text_columns, write_text_rows
from wardlake.errors import PermanentError
from wardlake.sources import Table
from wardlake.sources.files import JsonFiles

LONGEST_LINE = 64 * 1024**2
LARGEST_DOCUMENT = 256 * 1024**2
CHUNK = 1024**2
T = TypeVar("T")
NOTHING_WANTED: dict[str, Any] = {}
MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Rows = Callable[[], Iterator[tuple[int, Raw]]]
"""The rows with their places, counted from 1; each call begins again."""


def load(_engine: duckdb.DuckDBPyConnection, spec: JsonFiles, table: Table, path: Path, work: Path) -> FileRows:
    """The rows of a JSON file. `_line` is the line (`jsonl`) or the place among the document's rows (`json`).

    Without any `path` in the table, the keys of the rows are the columns.

    Raises:
        BrokenFileError: no JSON; a key that stands twice; no rows at `spec.rows`; a line or document that is too long.
        PermanentError: a path of the source's YAML is not of the form that is understood.
    """
    with path.open("rb") as stream:
        has_mark = stream.read(3).startswith(MARKS)
    plain = _as_utf8(path, spec.encoding, work)
    rows: Rows
    if spec.format == "json":
        unit, steps = "row", steps_of(spec.rows.removesuffix("[*]"))
        content = _content(plain)
        counted = _count_in_document(content, steps, spec.rows)
        rows = partial(_rows_of_document, content, steps)
    else:
        unit = "line"
        counted = _count_lines(plain)
        rows = partial(_rows_of_lines, plain)
    names, places = _columns(table, rows, unit)
    columns = text_columns(names)
    return FileRows(
        write_text_rows(work, names, _texts(rows, places, unit)), columns, counted, byte_order_mark=has_mark
    )


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


def _columns(table: Table, rows: Rows, unit: str) -> tuple[list[str], list[tuple[Step, ...]]]:
    """Names of the columns, and where each stands in a row."""
    if any(column.path for column in table.columns.values()):
        paths = [steps_of(column.path) if column.path else (name,) for name, column in table.columns.items()]
        return list(table.columns), paths
    found: dict[str, None] = {}
    is_empty = True
    for place, row in rows():
        is_empty = False
        found |= dict.fromkeys(_at(unit, place, keys_of, row))
    names = names_in_order(table, found, is_empty=is_empty)
    return names, [(name,) for name in names]


def _texts(rows: Rows, places: Sequence[tuple[Step, ...]], unit: str) -> Iterator[TextRow]:
    tree = Branch.of(places)
    for place, row in rows():
        values: list[str | None] = [None] * len(places)
        _at(unit, place, tree.pick, row, values)
        yield place, values


def _at(unit: str, place: int, read: Callable[..., T], *given: Any) -> T:
    """What `read` gives; its errors name the line or row."""
    try:
        return read(*given)
    except BrokenFileError as error:
        raise BrokenFileError(f"{unit} {place}: {error}") from None


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
        _parsed(line, f"line {number}")
        counted += 1
    return counted


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_DOCUMENT:
        raise BrokenFileError(f"it is larger than {LARGEST_DOCUMENT >> 20} MiB; ask for JSON lines (format: jsonl)")
    return path.read_bytes().removeprefix(codecs.BOM_UTF8).strip()


def _rows_of_document(content: bytes, steps: Sequence[Step]) -> Iterator[tuple[int, Raw]]:
    found = Raw(content)
    for step in steps:
        found = members(found)[step]
    return enumerate([found] if is_object(found) else list_items(found), start=1)


def _count_in_document(content: bytes, steps: Sequence[Step], told: str) -> int:
    found = _parsed(content, "it", steps)
    for step in steps:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            raise BrokenFileError(f"there is no list and no object at {told}") from None
    if not isinstance(found, list | dict):
        raise BrokenFileError(f"there is no list and no object at {told}")
    return len(found) if isinstance(found, list) else 1


def _parsed(document: bytes, place: str, wanted: Sequence[Step] = ()) -> Any:
    """What Python's parser makes of a document; objects keep the wanted keys only, so that little memory is used."""

    def build(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise BrokenFileError(f"{place} has an object in which a key stands twice")
        return {key: value for key, value in pairs if key in wanted} or NOTHING_WANTED

    def refuse(_constant: str) -> NoReturn:
        raise BrokenFileError(f"{place} has NaN or Infinity, which are no JSON")

    try:
        return json.loads(
            document.decode(), object_pairs_hook=build, parse_int=str, parse_float=str, parse_constant=refuse
        )
    except json.JSONDecodeError as error:
        raise BrokenFileError(f"{place} is no JSON: {error.msg} (character {error.pos + 1})") from None
    except UnicodeDecodeError as error:
        raise BrokenFileError(f"{place} is not encoded in UTF-8 (byte {error.start + 1})") from None
    except RecursionError:
        raise BrokenFileError(f"{place} is nested too deeply") from None
