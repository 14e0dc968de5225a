"""Values of JSON as text, verbatim: numbers keep their digits, objects and lists their spelling.

DuckDB's JSON functions are not used: they turn 1.10 into 1.1 and keep 17 digits of a number. msgspec hands out the
bytes of a value. Python's parser reads every document, too: it counts the rows, and finds what msgspec passes over (a
key that stands twice in an object, of which it keeps the last).
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import Raw

from wardlake.bronze.readers.files.formats import BrokenFileError
from wardlake.bronze.readers.files.text_rows import TextRow
from wardlake.sources import Table
from wardlake.sources.json_path import Every, Step, steps_of

T = TypeVar("T")
NOTHING_WANTED: dict[str, Any] = {}
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_STRING = msgspec.json.Decoder(str)
_KINDS: dict[type, str] = {dict: "an object", list: "a list"}


def parsed(document: bytes, place: str, wanted: Collection[Any] = ()) -> Any:
    """What Python's parser makes of a document; objects keep the wanted keys only, so that little memory is used.

    Raises:
        BrokenFileError: no JSON in UTF-8; NaN or Infinity; a key that stands twice; too deep. It names the place.
    """

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


def opened(value: Any) -> Any:
    """The values of an object by key, or those of a list; None for null, all else as it is.

    A value is `Raw`, cut out of correct JSON, or what `parsed` has made of it.

    Raises:
        BrokenFileError: a key holds half of a surrogate pair.
    """
    if not isinstance(value, Raw):
        return value
    match _first(value):
        case b"{":
            return _decoded(_OBJECT, value)
        case b"[":
            return _decoded(_LIST, value)
        case b"n":
            return None
    return value


def text_of(value: Raw) -> str | None:
    """Text of a value: strings without quotes, null as None, all else as it is written.

    Raises:
        BrokenFileError: it is text with half of a surrogate pair.
    """
    if _first(value) == b'"':
        return _decoded(_STRING, value)
    return None if _first(value) == b"n" else bytes(value).decode()


def find(value: T, steps: Sequence[Step]) -> Iterator[T]:
    """Every value that the steps lead to.

    Raises:
        BrokenFileError: they meet another kind of value than they need: a list where they name a key.
    """
    if not steps:
        yield value
        return
    for part in _parts(opened(value), steps[0]):
        yield from find(part, steps[1:])


def rows_at(document: T, path: str, *, null_is_none: bool = False) -> list[T]:
    """Rows of a document: what is in the list at a path, or the object there; with `[*]` all that is found.

    Raises:
        BrokenFileError: there is neither, or null and not `null_is_none`.
    """
    steps = steps_of(path)
    found = list(find(document, steps))
    if Every.ELEMENT in steps:
        return found
    rows = opened(found[0]) if found else ""
    if isinstance(rows, list):
        return rows
    if isinstance(rows, dict):
        return found
    if rows is None and null_is_none:
        return []
    raise BrokenFileError(f"there is no list and no object at {path}")


def places_of(table: Table, names: Iterable[str]) -> dict[str, tuple[Step, ...]]:
    """The steps from a row to each of these columns; a column without a path is the member of its name."""
    paths = {name: table.columns[name].path if name in table.columns else None for name in names}
    return {name: steps_of(path) if path else (name,) for name, path in paths.items()}


def texts(rows: Iterable[tuple[int, Raw]], places: Collection[Sequence[Step]], unit: str) -> Iterator[TextRow]:
    """The columns at these places in each row; what is not there is None, and `[*]` gives a JSON list.

    Raises:
        BrokenFileError: a path meets another kind of value than it needs; names the row, which is called a `unit`.
    """
    tree = _Branch.of(places)
    for number, row in rows:
        values: list[str | None] = [None] * len(places)
        located(unit, number, tree.pick, row, values)
        yield number, values


def located(unit: str, number: int, read: Callable[..., T], *given: Any) -> T:
    """What `read` gives; its errors name the line or row."""
    try:
        return read(*given)
    except BrokenFileError as error:
        raise BrokenFileError(f"{unit} {number}: {error}") from None


@dataclass
class _Branch:
    """Places of columns in a row, as a tree: each part of a row is opened once, whatever is read from it."""

    columns: list[int] = field(default_factory=list)
    lists: list[tuple[int, Sequence[Step]]] = field(default_factory=list)
    """Columns whose further steps begin with `[*]`."""
    below: dict[Step, "_Branch"] = field(default_factory=dict)

    @classmethod
    def of(cls, places: Iterable[Sequence[Step]]) -> "_Branch":
        root = cls()
        for number, steps in enumerate(places):
            single = steps.index(Every.ELEMENT) if Every.ELEMENT in steps else len(steps)
            branch = root
            for step in steps[:single]:
                branch = branch.below.setdefault(step, cls())
            if single < len(steps):
                branch.lists.append((number, steps[single:]))
            else:
                branch.columns.append(number)
        return root

    def pick(self, value: Raw, into: list[str | None]) -> None:
        for column in self.columns:
            into[column] = text_of(value)
        for column, steps in self.lists:
            if found := [bytes(item).decode() for item in find(value, steps)]:
                into[column] = f"[{','.join(found)}]"
        parts = opened(value) if self.below else None
        for step, branch in self.below.items():
            for part in _parts(parts, step):
                branch.pick(part, into)


def _parts(parts: Any, step: Step) -> list[Any]:
    """The values one step further; none in null and in what is empty."""
    if isinstance(parts, dict) and isinstance(step, str):
        return [parts[step]] if step in parts else []
    if isinstance(parts, list) and step is Every.ELEMENT:
        return parts
    if isinstance(parts, list) and isinstance(step, int):
        return parts[step:][:1] if step >= -len(parts) else []
    if parts in (None, [], {}):
        return []
    shown = step.value if isinstance(step, Every) else step
    raise BrokenFileError(f"{_KINDS.get(type(parts), 'a plain value')} stands where a path goes on with '{shown}'")


def _first(value: Raw) -> bytes:
    return bytes(memoryview(value)[:1])


def _decoded(decoder: msgspec.json.Decoder[T], value: Raw) -> T:
    try:
        return decoder.decode(value)
    except msgspec.DecodeError:
        # a value comes here after Python's parser has read it, which refuses all else that msgspec refuses
        raise BrokenFileError("it has text with half of a surrogate pair") from None
    except RecursionError:
        raise BrokenFileError("it is nested too deeply") from None
