"""Places in JSON: the part of JSONPath that names one value, and values as their text, with every digit."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from wardlake.bronze.readers.files.formats import BrokenFileError
from wardlake.errors import PermanentError

Step = str | int
Raw = msgspec.Raw
T = TypeVar("T")

STEP = re.compile(r"""\.([^\s.\[\]"']+) | \."([^"]+)" | \[(\d+)\] | \['([^']+)'\] | \["([^"]+)"\]""", re.VERBOSE)

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_STRING = msgspec.json.Decoder(str)


def steps_of(path: str) -> tuple[Step, ...]:
    """Keys and indexes of a JSONPath such as `$.name[0]['given name']`; `$` has none.

    Raises:
        PermanentError: the path is not of this form.
    """
    steps: list[Step] = []
    end = 1
    while match := STEP.match(path, end):
        index, end = match[3], match.end()
        steps.append(int(index) if index else next(key for key in match.groups() if key))
    if not path.startswith("$") or end != len(path):
        raise PermanentError(
            f"The path {path!r} names no single place in JSON.",
            remedy="Write it like $, $.subject.reference, $.name[0].family or $['other name'] in the source's YAML.",
        )
    return tuple(steps)


@dataclass
class Branch:
    """Places of columns in a row, as a tree: each part of a row is opened once, whatever is read from it."""

    columns: list[int] = field(default_factory=list)
    below: dict[Step, "Branch"] = field(default_factory=dict)

    @classmethod
    def of(cls, places: Iterable[tuple[Step, ...]]) -> "Branch":
        """The tree of columns at these places, numbered in their order."""
        root = cls()
        for number, steps in enumerate(places):
            branch = root
            for step in steps:
                branch = branch.below.setdefault(step, cls())
            branch.columns.append(number)
        return root

    def pick(self, value: Raw, into: list[str | None]) -> None:
        """Put the texts of the columns into `into`; what is not there or null stays as it is.

        Raises:
            BrokenFileError: a path meets another kind of value than it needs: a list where it names a key.
        """
        for column in self.columns:
            into[column] = text_of(value)
        if not self.below:
            return
        parts = members(value)
        for step, branch in self.below.items():
            if step in parts:
                branch.pick(parts[step], into)
            elif not isinstance(next(iter(parts), step), type(step)):
                kind = "a list" if isinstance(step, str) else "an object"
                raise BrokenFileError(f"{kind} stands where a path goes on with '{step}'")


def members(value: Raw) -> dict[Any, Raw]:
    """The values of an object by key, or of a list by index; null has none.

    Raises:
        BrokenFileError: the value is text, a number or a boolean.
    """
    if is_object(value):
        return _decoded(_OBJECT, value)
    first = _first(value)
    if first == b"[":
        return dict(enumerate(list_items(value)))
    if first == b"n":
        return {}
    raise BrokenFileError("a plain value stands where a path goes on")


def keys_of(row: Raw) -> Iterable[str]:
    """The keys of a row.

    Raises:
        BrokenFileError: the row is no object.
    """
    if not is_object(row):
        raise BrokenFileError("it is no object with keys, and the table's columns have no 'path'")
    return members(row)


def is_object(value: Raw) -> bool:
    """Whether a value has keys."""
    return _first(value) == b"{"


def list_items(value: Raw) -> list[Raw]:
    """The values of a list."""
    return _decoded(_LIST, value)


def text_of(value: Raw) -> str | None:
    """Text of a JSON value: strings without quotes, null as None, all else as it is written."""
    first = _first(value)
    if first == b'"':
        return _decoded(_STRING, value)
    return None if first == b"n" else bytes(value).decode()


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
