"""Rows of XML documents: elements that a path names, read one after the other, with what XPaths find below each.

Expat reads every file before libxml2 does: it counts the rows, finds the names of their parts, and refuses a document
type declaration, so that no entity is ever expanded and no other file or address is read.
"""

import codecs
import re
from array import array
from collections.abc import Callable, Iterator, MutableSequence, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

import duckdb
from lxml import etree

from wardlake.bronze.readers.files.formats import BrokenFileError, FileRows
from wardlake.bronze.readers.files.text_rows import names_in_order, text_columns, write_text_rows
from wardlake.errors import PermanentError
from wardlake.sources import Table
from wardlake.sources.files import XmlFiles

CHUNK = 1024**2
MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
DECLARED_ENCODING = re.compile(rb"""<\?xml[^>]*\sencoding=["']([\w.:-]+)["']""")
ROWS = re.compile(r"//?[^/\s\[\]@*()]+(/[^/\s\[\]@*()]+)*")

TEXT = etree.XPath("string()", smart_strings=False)

Find = Callable[[Any], Any]


def load(_engine: duckdb.DuckDBPyConnection, spec: XmlFiles, table: Table, path: Path, work: Path) -> FileRows:
    """The rows of an XML file. `_line` is the line on which the row's element begins.

    Without any `path` in the table, the elements right below the rows are the columns.

    Raises:
        BrokenFileError: no well-formed XML; a document type declaration; two values where a column takes one.
        PermanentError: an XPath of the source's YAML is not of the form that is understood.
    """
    place = _row_place(spec)
    with path.open("rb") as stream:
        head = stream.read(1024)
    seen = _look_through(path, head, place)
    has_paths = any(column.path for column in table.columns.values())
    names = list(table.columns) if has_paths else names_in_order(table, seen.parts, is_empty=not seen.lines)
    columns = text_columns(names)
    paths = [table.columns[name].path if name in table.columns else None for name in names]
    finders = [_finder(name, path_, spec) for name, path_ in zip(names, paths, strict=True)]
    rows = zip(seen.lines, _rows(path, place), strict=True)
    texts = (
        (line, [_value(row, line, name, find) for name, find in zip(names, finders, strict=True)]) for line, row in rows
    )
    query = write_text_rows(work, names, texts)
    return FileRows(query, columns, len(seen.lines), byte_order_mark=head.startswith(MARKS))


@dataclass(frozen=True)
class _Place:
    """Where rows are: names of elements, as `namespace}name`, at the end of the way from the root, or all of it."""

    names: tuple[str, ...]
    from_root: bool

    def is_at(self, way: Sequence[str]) -> bool:
        """Whether the last element of a way from the root is a row."""
        if way[-1] != self.names[-1] or (self.from_root and len(way) > len(self.names)):
            return False
        return tuple(way[-len(self.names) :]) == self.names


def _row_place(spec: XmlFiles) -> _Place:
    def expanded(name: str) -> str:
        prefix, colon, local = name.rpartition(":")
        return f"{spec.namespaces[prefix]}}}{local}" if colon else local

    try:
        if not ROWS.fullmatch(spec.rows):
            raise KeyError
        names = tuple(map(expanded, spec.rows.strip("/").split("/")))
    except KeyError:
        raise PermanentError(
            f"The path {spec.rows!r} names no elements, or has a prefix that is not among the namespaces.",
            remedy="Write 'rows' like //Shift, /Report/Shifts/Shift or //h:observation in the source's YAML.",
        ) from None
    return _Place(names, from_root=not spec.rows.startswith("//"))


@dataclass
class _Seen:
    """What Expat has seen: the lines on which rows begin, and the names of the elements right below rows.

    Beyond line 65,535 libxml2 tells the line of an element by guess.
    """

    lines: MutableSequence[int] = field(default_factory=lambda: array("Q"))
    parts: dict[str, None] = field(default_factory=dict)


def _look_through(path: Path, head: bytes, place: _Place) -> _Seen:
    seen, way, row_at = _Seen(), list[str](), list[bool]()

    def start(name: str, _attributes: dict[str, str]) -> None:
        if row_at and row_at[-1]:
            seen.parts[name.rpartition("}")[2]] = None
        way.append(name)
        is_row = place.is_at(way)
        if is_row and True in row_at:
            raise BrokenFileError(f"line {parser.CurrentLineNumber}: a row stands within a row")
        if is_row:
            seen.lines.append(parser.CurrentLineNumber)
        row_at.append(is_row)

    def end(_name: str) -> None:
        way.pop()
        row_at.pop()

    def refuse(*_declaration: object) -> NoReturn:
        raise BrokenFileError("it has a document type declaration (DOCTYPE), which could name other files")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = start, end, refuse
    # Expat knows Unicode and encodings of one byte a character; it gets others as text
    declared = DECLARED_ENCODING.match(head.removeprefix(codecs.BOM_UTF8))
    try:
        with path.open(encoding=declared[1].decode(), newline="") if declared else path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise BrokenFileError(
            f"line {error.lineno} is no well-formed XML: {expat.ErrorString(error.code)} (character {error.offset + 1})"
        ) from None
    except (LookupError, UnicodeError):
        raise BrokenFileError("it is not in the encoding that its first line declares") from None
    return seen


def _finder(name: str, path: str | None, spec: XmlFiles) -> Find:
    """Finds the value of a column in a row: elements, attributes, text, a number or a boolean."""
    if path is None:
        return lambda row: list(row.iterchildren(f"{{*}}{name}"))
    try:
        find = etree.XPath(path, namespaces=spec.namespaces or None, smart_strings=False)
        find(etree.Element("row"))  # tells prefixes and functions that are not known
    except etree.XPathError:
        raise PermanentError(
            f"The path {path!r} of the column '{name}' is no XPath, or has a prefix that is not among the namespaces.",
            remedy="Correct it in the source's YAML.",
        ) from None
    return find


def _rows(path: Path, place: _Place) -> Iterator[Any]:
    """The elements that are rows; each is dropped when the next one is asked for."""
    name = place.names[-1]
    elements = etree.iterparse(
        str(path),
        tag=f"{{{name}" if "}" in name else name,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    done = None
    try:
        for _, row in elements:
            above = list(row.iterancestors())
            if not place.is_at([element.tag.removeprefix("{") for element in (*reversed(above), row)]):
                continue
            if done is not None:
                _forget(done, above)
            yield row
            done = row
    except etree.XMLSyntaxError as error:
        # the parser's own text could hold a name or value of the file
        raise BrokenFileError(
            f"line {error.lineno} is beyond the limits of libxml2: text of more than 10 MB in one element, or elements "
            "that are too deep in one another"
        ) from None


def _forget(done: Any, above: Sequence[Any]) -> None:
    """Drop a row that was read, and what was above it alone, so that memory holds one row and what leads to it."""
    while (parent := done.getparent()) is not None and parent not in above:
        done = parent
    if parent is not None:
        parent.remove(done)


def _value(row: Any, line: int, name: str, find: Find) -> str | None:
    found = find(row)
    if isinstance(found, list):
        if len(found) > 1:
            raise BrokenFileError(f"the row of line {line} has {len(found)} values for the column '{name}'")
        found = found[0] if found else None
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, float):
        return f"{found:.15g}"
    return found if found is None or isinstance(found, str) else _content(found)


def _content(element: Any) -> str | None:
    """Text of an element; if it has elements of its own, its XML; None if it says that it is nil."""
    if element.get(NIL) in ("true", "1"):
        return None
    if not len(element):
        return element.text or ""
    if any(isinstance(part.tag, str) for part in element):
        return etree.tostring(element, encoding="unicode", with_tail=False)
    return str(TEXT(element))  # comments stand between pieces of text
