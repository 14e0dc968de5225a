"""The HL7 v2 messages of a file, as bytes: one alone, several in a row, batches (FHS, BHS, BTS, FTS), or MLLP frames.

The file is mapped, not read: one message at a time is in memory.
"""

import codecs
import mmap
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wardlake.bronze.readers.files.formats import BrokenFileError

MAX_MESSAGE_BYTES = 50 * 1024**2
START, END = b"\x0b", b"\x1c"
NAMES = rb"(?:MSH|FHS|BHS|BTS|FTS)"
# a head begins a line, or follows a byte order mark; what stands before it is looked at last, which is faster
HEAD = re.compile(NAMES + rb"(?![A-Za-z0-9])(?:(?<![^\r\n\x0b]...)|(?<=\xef\xbb\xbf...))")
MESSAGE_IN_NOISE = re.compile(rb"MSH(?=[!-/:-@[-`{-~]{3})")
FRAME = re.compile(rb"\x0b\s*(?:\xef\xbb\xbf)?" + NAMES)
# senders end a frame with 1C 0D, some with 1C 0A or 1C alone; the head of another message ends a frame that was cut
FRAME_END = re.compile(rb"\x1c(?:[\r\n]|(?=\x0b|MSH)|\Z)|\x0b(?=\s*(?:\xef\xbb\xbf)?" + NAMES + rb")")

CUT = "its MLLP frame has no end mark (1C 0D): it was cut off"
UNFRAMED = "it stands outside of an MLLP frame: the start mark (0B) is missing"
HEADLESS = "it does not begin with MSH"


@dataclass(frozen=True)
class RawMessage:
    """One message, `number` counted from 1 in its file.

    `is_utf8` if a byte order mark says so, whatever MSH-18 says. `fault` says why the bytes cannot be a whole message.
    """

    number: int
    content: bytes
    is_utf8: bool = False
    fault: str | None = None


def raw_messages(path: Path, work: Path) -> Iterator[RawMessage]:
    """The messages of a file in their order; a file in UTF-16 is put into UTF-8 in `work` first.

    Raises:
        BrokenFileError: no HL7, or a batch that does not hold what its trailer counts, or a message beyond the limit.
    """
    with path.open("rb") as stream:
        start = stream.read(3)
    if wide := _wide_encoding(start):
        path = _in_utf8(path, wide, work)
    if path.stat().st_size == 0:
        raise BrokenFileError("it is empty")
    is_utf8 = wide is not None or start == codecs.BOM_UTF8
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if not HEAD.search(data):
            raise BrokenFileError("it holds no HL7 message: no line begins with MSH")
        yield from _messages(data, is_utf8)


def has_byte_order_mark(path: Path) -> bool:
    """Whether a file begins with the mark of UTF-8 or UTF-16."""
    with path.open("rb") as stream:
        return stream.read(3).startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def _messages(data: mmap.mmap, is_utf8: bool) -> Iterator[RawMessage]:
    counts = _Counts()
    for begin, end, fault in _spans(data):
        for name, start, stop in _pieces(data, begin, end):
            if stop - start > MAX_MESSAGE_BYTES:
                raise BrokenFileError(f"message {counts.messages + 1} is larger than {MAX_MESSAGE_BYTES // 1024**2} MB")
            content = data[start:stop].removesuffix(codecs.BOM_UTF8)
            if name == b"MSH":
                marked = is_utf8 or data[max(start - 3, 0) : start] == codecs.BOM_UTF8
                yield RawMessage(counts.add_message(), content, marked, fault)
                continue
            if name:
                head, *rest = re.split(rb"[\r\n]+", content, maxsplit=1)
                counts.add_head(name, head)
                content = b"".join(rest)
            if content.strip():
                yield RawMessage(counts.add_message(), content, is_utf8, fault or HEADLESS)
    counts.end()


def _spans(data: mmap.mmap) -> Iterator[tuple[int, int, str | None]]:
    """Begin and end of each MLLP frame, or of the whole file if it has none; and what is wrong with it.

    Bytes between frames are noise, unless a message begins in them.
    """
    if not FRAME.search(data):
        yield 0, len(data), None
        return
    position = 0
    while (mark := data.find(START, position)) >= 0:
        if stray := MESSAGE_IN_NOISE.search(data, position, mark):
            yield stray.start(), mark, UNFRAMED
        end = FRAME_END.search(data, mark + 1)
        if end is None:
            yield mark + 1, len(data), CUT
            return
        is_whole = end[0].startswith(END)
        yield mark + 1, end.start(), None if is_whole else CUT
        position = end.end() if is_whole else end.start()
    if stray := MESSAGE_IN_NOISE.search(data, position):
        yield stray.start(), len(data), UNFRAMED


def _pieces(data: mmap.mmap, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and end of what each head begins; the name is empty for text before the first head."""
    head = HEAD.search(data, begin, end)
    first = head.start() if head else end
    if first - begin > MAX_MESSAGE_BYTES or data[begin:first].strip(b" \t\r\n" + codecs.BOM_UTF8):
        yield b"", begin, first
    while head:
        following = HEAD.search(data, head.end(), end)
        yield head[0], head.start(), following.start() if following else end
        head = following


class _Counts:
    """Messages and batches so far, held against what the trailers say."""

    def __init__(self) -> None:
        self.messages = 0
        self._file_messages = self._batch_messages = self._batches = 0
        self._open: list[str] = []

    def add_message(self) -> int:
        """Count a message; returns its number in the file."""
        self.messages += 1
        self._file_messages += 1
        self._batch_messages += 1
        return self.messages

    def add_head(self, name: bytes, line: bytes) -> None:
        """Count a head or trailer of a file or batch; a trailer must say what was counted, if it says a number."""
        told = line.split(line[3:4])[1].strip() if line[3:] else b""
        if name == b"FHS":
            self._begin("FHS")
            self._file_messages = self._batch_messages = self._batches = 0
        elif name == b"BHS":
            self._begin("BHS")
            self._batches += 1
            self._batch_messages = 0
        elif name == b"BTS":
            self._check(told, {self._batch_messages}, f"batch {max(self._batches, 1)}", "messages", "BTS-1")
            self._end("BHS")
            self._batch_messages = 0
        else:
            # without BHS the file is one batch, and some senders count its messages here
            held = {self._batches} if self._batches else {1, self._file_messages}
            self._check(told, held, "the file", "batches", "FTS-1")
            self._end("FHS")

    def end(self) -> None:
        """Refuse what was begun and has no trailer: the file was cut off."""
        if self._open:
            trailer = self._open[-1].replace("H", "T", 1)
            raise BrokenFileError(
                f"{self._open[-1]} begins what no {trailer} ends, after message {self.messages}: it was cut off"
            )

    def _begin(self, name: str) -> None:
        if name in self._open:
            self.end()
        self._open.append(name)

    def _end(self, name: str) -> None:
        if self._open and self._open[-1] != name and name in self._open:
            self.end()
        if name in self._open:
            self._open.remove(name)

    @staticmethod
    def _check(told: bytes, held: set[int], what: str, of_what: str, field: str) -> None:
        if told and not (told.isdigit() and int(told) in held):
            raise BrokenFileError(f"{what} does not hold as many {of_what} as its trailer says ({field})")


def _wide_encoding(start: bytes) -> str | None:
    """UTF-16, which a file can hold and MLLP cannot: told by its mark, or by the zero beside its first letter."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start[:2] in (b"M\0", b"F\0", b"B\0"):
        return "utf-16-le"
    return "utf-16-be" if start[:2] in (b"\0M", b"\0F", b"\0B") else None


def _in_utf8(path: Path, encoding: str, work: Path) -> Path:
    with (
        tempfile.NamedTemporaryFile("w", dir=work, suffix=".hl7", encoding="utf-8", newline="", delete=False) as sink,
        path.open(encoding=encoding, newline="") as stream,
    ):
        try:
            shutil.copyfileobj(stream, sink, 1024**2)
        except UnicodeDecodeError as error:
            raise BrokenFileError("it begins in UTF-16 and holds bytes that are not") from error
    return Path(sink.name)
