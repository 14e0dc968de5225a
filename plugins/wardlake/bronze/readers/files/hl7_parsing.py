"""A HL7 v2 message as segments, and the values at places such as PID-3(2).1.

Only the fields that are asked for are taken apart: python-hl7's own parser takes every message apart as a whole, which
was more than ten times slower. Separators and escape sequences are the library's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hl7.parser import create_parse_plan
from hl7.util import unescape

from wardlake.bronze.readers.files.hl7_frames import RawMessage
from wardlake.sources.files import HL7_PLACE

CHARACTER_SETS = {
    "ASCII": "ascii",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
}
"""MSH-18 (HL7 table 0211) to Python's encodings. UTF-16 is told by the file's bytes, see `hl7_frames`."""

SEPARATORS = re.compile(rb"MSH([!-/:-@[-`{-~])((?:(?!\1)[!-/:-@[-`{-~]){1,5})\1")
SEGMENT_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
LAYOUT = {".br": "\n", ".sp": "\n", ".ce": "\n", ".in": " ", ".ti": " ", ".sk": " ", "H": "", "N": ""}
"""Escape sequences that say how text is laid out, where the library's own choice is another."""


class MalformedError(ValueError):
    """A message that cannot be read; the text says why and holds no value."""


@dataclass(frozen=True)
class Place:
    """A field, or a part of it, of the segments of a name; numbers count from 1."""

    segment: str
    field: int
    repetition: int | None = None
    component: int | None = None
    subcomponent: int | None = None

    @staticmethod
    def of(path: str) -> "Place":
        """The place that a path such as `PID-3(2).1` names."""
        match = HL7_PLACE.fullmatch(path)
        assert match is not None  # noqa: S101  the model guarantees it
        segment, field, *parts = match.groups()
        return Place(segment, int(field), *(int(part) if part else None for part in parts))


class Message:
    """A message that was found sound. `names` are the names of its segments."""

    def __init__(self, text: str, encoding: str, lines: Sequence[str]) -> None:
        self.text = text
        self.names = [line[:3] for line in lines]
        self._lines = lines
        self._encoding = encoding
        self._plan = _plan(lines[0][: lines[0].index(lines[0][3], 4) + 1])
        self._patients: list[int] = []
        self._fields: dict[int, list[str]] = {}

    @property
    def type(self) -> str:
        """Message type and trigger event, for example ADT^A01."""
        parts = (self.value(0, Place("MSH", 9, 1, part)) for part in (1, 2))
        return "^".join(part for part in parts if part)

    def value(self, row: int, place: Place) -> str | None:
        """What stands at a place, seen from the segment with the index `row`; None if nothing does.

        A whole field or repetition is verbatim, components and subcomponents are unescaped. Of another segment than
        the row's, the nearest one above of the same patient (a PID begins the next one) or in the message's head, else
        the only one of that patient below; from the head, the only one of the message.
        """
        index = row if self.names[row] == place.segment else self._related(row, place.segment)
        if index is None:
            return None
        text = _at(self._split(index), place.field + 1)
        if place.segment == "MSH" and place.field <= 2:
            return text
        _, _, repetition, component, subcomponent = self._plan.separators
        if place.repetition or place.component:
            text = _at(text.split(repetition), place.repetition or 1)
        if place.component:
            text = _at(text.split(component), place.component)
            if place.subcomponent:
                text = _at(text.split(subcomponent), place.subcomponent)
            text = self._unescaped(text)
        return text or None

    def _split(self, index: int) -> list[str]:
        """Name and fields of a segment; MSH-1 is the separator itself."""
        fields = self._fields.get(index)
        if fields is None:
            separator = self._plan.separators[1]
            fields = self._fields[index] = self._lines[index].split(separator)
            if index == 0:
                fields.insert(1, separator)
        return fields

    def _related(self, row: int, name: str) -> int | None:
        if not self._patients:
            patient = 0
            for found in self.names:
                patient += found == "PID"
                self._patients.append(patient)
        own = self._patients[row]
        candidates = [
            index
            for index, found in enumerate(self.names)
            if found == name and (own == 0 or self._patients[index] in (0, own))
        ]
        above = [index for index in candidates if index < row]
        if above:
            return above[-1]
        return candidates[0] if len(candidates) == 1 else None

    def _unescaped(self, text: str) -> str:
        if self._plan.esc not in text:
            return text
        return _escape_sequences(self._plan.esc).sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        """The text of an escape sequence; of one that is not known, the sequence itself."""
        if match["hex"]:
            try:
                return bytes.fromhex("".join(re.findall("X([0-9A-Fa-f]+)", match["hex"]))).decode(self._encoding)
            except UnicodeDecodeError:
                return match[0]
        # the library drops sequences that it does not know, and logs them with the value
        return str(unescape(self._plan, match[0], LAYOUT)) if match["known"] else match[0]


def parse(raw: RawMessage, default_encoding: str) -> Message:
    """Take a message apart into segments.

    Raises:
        MalformedError: says which segment is not as it should be.
    """
    if raw.fault:
        raise MalformedError(raw.fault)
    encoding = _encoding(raw, default_encoding)
    try:
        text = raw.content.decode(encoding)
    except UnicodeDecodeError as error:
        number = len(re.findall(rb"\r\n?|\n", raw.content[: error.start])) + 1
        raise MalformedError(f"segment {number} holds bytes that are not {encoding}") from None
    # without CR the file's line ends were converted; with CR, a line feed within a segment is part of its text
    lines = [line.strip("\n") for line in text.split("\r" if "\r" in text else "\n")]
    lines = [line for line in lines if line.strip()]
    separator = text[3]
    for number, line in enumerate(lines, start=1):
        if not SEGMENT_NAME.match(line) or line[3:4] not in (separator, ""):
            raise MalformedError(f"segment {number} does not begin with the name of a segment")
    if 1 + len(_further_segments(separator.encode()).findall(raw.content)) != len(lines):
        raise MalformedError("a line break within a segment is followed by what looks like another segment")
    if text.find(text[: text.index(separator, 4) + 1], 4) >= 0:
        raise MalformedError("another message begins within a segment")
    message = Message(text, encoding, lines)
    if not message.type:
        raise MalformedError("MSH-9 names no message type")
    return message


def readable_text(raw: RawMessage, default_encoding: str) -> str:
    """A message as text even if it is malformed; bytes that are no text are written as \\xNN."""
    try:
        return raw.content.decode(_encoding(raw, default_encoding))
    except (MalformedError, UnicodeDecodeError):
        return raw.content.decode("utf-8", "backslashreplace")


def _encoding(raw: RawMessage, default: str) -> str:
    head = SEPARATORS.match(raw.content)
    if not head or len(set(head[1] + head[2])) != len(head[1] + head[2]):
        raise MalformedError("MSH-1 and MSH-2 do not name the separators")
    if raw.is_utf8:
        return "utf-8"
    fields = re.split(rb"[\r\n]", raw.content, maxsplit=1)[0].split(head[1])
    told = fields[17] if len(fields) > 17 else b""
    names = {name.strip().upper() for name in told.decode("latin-1").split(chr(head[2][1]) if head[2][1:] else "~")}
    names.discard("")
    if not names:
        return default
    encoding = CHARACTER_SETS.get(names.pop())
    if encoding is None or names:
        raise MalformedError("MSH-18 names a character set that cannot be read, or several")
    return encoding


@lru_cache(maxsize=64)
def _plan(head: str) -> Any:
    """The library's account of the separators: `separators` (segment to subcomponent) and `esc`."""
    return create_parse_plan(head)


@lru_cache(maxsize=64)
def _escape_sequences(escape: str) -> re.Pattern[str]:
    """What HL7 (2.7) calls an escape sequence; a lone backslash in a text is none, and stays."""
    e = re.escape(escape)
    known = r"[FSTREHN]|\.(?:br|fi|nf|ce|(?:sp|in|ti|sk)(?:[+ ]?\d{1,2})?)"
    return re.compile(
        rf"(?P<hex>(?:{e}X(?:[0-9A-Fa-f]{{2}})+{e})+)|{e}(?:(?P<known>{known})|[CMXZ][0-9A-Za-z]*|\.[a-z]{{2}}[^{e}]*){e}"
    )


@lru_cache(maxsize=64)
def _further_segments(separator: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"[\r\n][A-Z][A-Z0-9]{2}(?=[\r\n]|\Z|" + re.escape(separator) + rb")")


def _at(parts: Sequence[str], number: int) -> str:
    return parts[number - 1] if number <= len(parts) else ""
