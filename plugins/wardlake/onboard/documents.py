"""JSON and XML whose rows are a list of alike objects or elements; parts of a row become columns with a path."""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import duckdb
from lxml import etree

from wardlake.onboard.content import File
from wardlake.onboard.delimited import Described
from wardlake.onboard.found import (
    SAMPLE_ROWS,
    FoundColumn,
    UnreadableError,
    create_text_sample,
    refuse_unusable,
)
from wardlake.onboard.naming import identifier

LARGEST_DOCUMENT = 64 * 1024**2
DEEPEST = 4
PREFIX = "x"
"""Stands for the namespace of the rows of an XML document."""

Row = dict[str, str | None]
"""Text by path."""


def describe(engine: duckdb.DuckDBPyConnection, files: Sequence[File], sample: str) -> Described:
    """Describe documents of one pattern, and fill the sample from them.

    Raises:
        UnreadableError: a document is broken, too large to be looked at, or has no rows.
    """
    first = files[0]
    spec: dict[str, object] = {"format": first.format}
    if first.encoding != "utf-8" and first.format != "xml":
        spec["encoding"] = first.encoding
    read: Callable[[File], Iterable[Row]]
    if first.format == "jsonl":
        read = _rows_of_lines
    elif first.format == "json":
        place = _place_of_rows(_document(first))
        spec |= {} if place == "$" else {"rows": place}
        read = lambda file: map(_flat, _at(_document(file), place))  # noqa: E731
    else:
        tag = _repeated(_tree(first))
        name = etree.QName(tag)
        spec["rows"] = f"//{PREFIX}:{name.localname}" if name.namespace else f"//{name.localname}"
        spec |= {"namespaces": {PREFIX: name.namespace}} if name.namespace else {}
        read = lambda file: map(_row_of, _tree(file).iter(tag))  # noqa: E731

    def rows() -> Iterator[Row]:
        return islice((row for file in files for row in read(file)), SAMPLE_ROWS)

    paths = list(dict.fromkeys(path for row in rows() for path in row))
    if not paths:
        raise UnreadableError("it has no rows with values")
    columns = _columns(paths, is_json=first.format != "xml")
    names = [column.name for column in columns]
    refuse_unusable(names)
    create_text_sample(engine, sample, names, ([row.get(path) for path in paths] for row in rows()))
    return Described(spec, columns, ["columns are what the sampled rows have: a rare one may be missing"])


def _columns(paths: Sequence[str], *, is_json: bool) -> tuple[FoundColumn, ...]:
    """Named after their paths; JSON without nested objects needs no paths."""
    if is_json and all(path.count(".") == 1 and "[" not in path for path in paths):
        return tuple(FoundColumn(path.removeprefix("$.")) for path in paths)
    used: set[str] = set()
    return tuple(FoundColumn(identifier(path, used), path=path) for path in paths)


def _rows_of_lines(file: File) -> Iterator[Row]:
    with file.open() as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig" if file.encoding == "utf-8" else file.encoding)
        for number, line in enumerate(text, start=1):
            if line.strip():
                yield _flat(_parsed(line, f"line {number}"))


def _document(file: File) -> Any:
    with file.open() as stream:
        content = stream.read(LARGEST_DOCUMENT + 1)
    if len(content) > LARGEST_DOCUMENT:
        raise UnreadableError(
            f"it is larger than {LARGEST_DOCUMENT >> 20} MiB: ask for JSON lines, or describe it by hand"
        )
    return _parsed(content.decode("utf-8-sig" if file.encoding == "utf-8" else file.encoding, "replace"), "it")


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise UnreadableError(f"{place} is no JSON") from None


def _place_of_rows(document: Any) -> str:
    """JSONPath of the longest list of objects at the top or below a key of the top."""
    if isinstance(document, dict):
        lists = {key: value for key, value in document.items() if _is_rows(value)}
        if lists:
            return f"$.{max(lists, key=lambda key: len(lists[key]))}"
    return "$"


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _at(document: Any, place: str) -> Iterable[Any]:
    found = document if place == "$" else document.get(place.removeprefix("$."), [])
    return found if isinstance(found, list) else [found]


def _flat(value: Any) -> Row:
    if not isinstance(value, dict):
        raise UnreadableError("its rows are no objects with keys")
    return dict(_leaves(value, "$", 1))


def _leaves(value: Mapping[str, Any], path: str, depth: int) -> Iterator[tuple[str, str | None]]:
    for key, part in value.items():
        here = f"{path}.{key}" if key.replace("_", "").replace("-", "").isalnum() else f"{path}['{key}']"
        if isinstance(part, dict) and part and depth < DEEPEST:
            yield from _leaves(part, here, depth + 1)
        elif isinstance(part, dict | list):
            yield here, json.dumps(part)
        else:
            yield here, None if part is None else str(part)


def _tree(file: File) -> etree._Element:
    with file.open() as stream:
        content = stream.read(LARGEST_DOCUMENT + 1)
    if len(content) > LARGEST_DOCUMENT:
        raise UnreadableError(f"it is larger than {LARGEST_DOCUMENT >> 20} MiB: describe it by hand")
    try:
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise UnreadableError(f"it is no XML (line {error.lineno})") from None


def _repeated(root: etree._Element) -> str:
    """Tag of the elements that come most often with values of their own."""
    counts = Counter(str(one.tag) for one in root.iter(etree.Element) if _row_of(one))
    if not counts:
        raise UnreadableError("it has no elements with values below them")
    return counts.most_common(1)[0][0]


def _row_of(element: etree._Element) -> Row:
    """Attributes, and children of the same namespace that hold text only."""
    namespace = etree.QName(element).namespace
    row: Row = {f"@{name!s}": str(value) for name, value in element.items() if not str(name).startswith("{")}
    for child in element.iterchildren(etree.Element):
        name = etree.QName(child)
        if not len(child) and name.namespace == namespace:
            row.setdefault(f"{PREFIX}:{name.localname}" if namespace else name.localname, child.text)
    return row
