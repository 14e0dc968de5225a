"""JSON and XML whose rows are a list of alike objects or elements; parts of a row become columns with a path."""

import io
import json
import re
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

PLAIN_KEY = re.compile(r"[\w-]+")

Place = tuple[str, ...]
"""Keys from a row of JSON to a value; of XML one XPath."""

Row = dict[Place, str | None]
"""Text by place."""


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

    places = list(dict.fromkeys(place for row in rows() for place in row))
    if not places:
        raise UnreadableError("it has no rows with values")
    columns = _columns(places, is_json=first.format != "xml")
    names = [column.name for column in columns]
    refuse_unusable(names)
    create_text_sample(engine, sample, names, ([row.get(place) for place in places] for row in rows()))
    return Described(spec, columns, ["columns are what the sampled rows have: a rare one may be missing"])


def _columns(places: Sequence[Place], *, is_json: bool) -> tuple[FoundColumn, ...]:
    """Named after their places; JSON without nested objects needs no paths."""
    if is_json and all(len(place) == 1 for place in places):
        return tuple(FoundColumn(key) for (key,) in places)
    used: set[str] = set()
    return tuple(
        FoundColumn(identifier("_".join(place), used), path=_json_path(place) if is_json else place[0])
        for place in places
    )


def _json_path(place: Place) -> str:
    return "$" + "".join(f".{key}" if PLAIN_KEY.fullmatch(key) else f"['{key}']" for key in place)


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
    return dict(_leaves(value, ()))


def _leaves(value: Mapping[str, Any], above: Place) -> Iterator[tuple[Place, str | None]]:
    """Values of an object and of the objects in it; lists, and what lies deeper, stay JSON."""
    for key, part in value.items():
        place = (*above, key)
        if isinstance(part, dict) and part and len(place) < DEEPEST:
            yield from _leaves(part, place)
        elif isinstance(part, dict | list):
            yield place, json.dumps(part)
        else:
            yield place, None if part is None else str(part)


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
    row: Row = {(f"@{name!s}",): str(value) for name, value in element.items() if not str(name).startswith("{")}
    for child in element.iterchildren(etree.Element):
        name = etree.QName(child)
        if not len(child) and name.namespace == namespace:
            row.setdefault((f"{PREFIX}:{name.localname}" if namespace else name.localname,), child.text)
    return row
