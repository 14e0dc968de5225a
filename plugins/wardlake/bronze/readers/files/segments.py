"""Delimited text taken apart: preamble and header off, a large file cut into segments that can be read side by side.

A file is cut only between records, which takes more than line ends: a quoted value may hold some. As long as every
quote that opens a value stands behind a delimiter or line end, and every one that closes it before one, an even number
of quotes means that no value is open. A file whose quotes are less regular is not cut, and is checked by its reader.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wardlake.bronze.readers.files.formats import BrokenFileError
from wardlake.bronze.readers.files.utf8 import LONGEST_RECORD, count_lines, utf8_blocks, whole_lines
from wardlake.sources.files import CsvFiles

LARGE_BYTES = 64 * 1024**2
SEGMENT_BYTES = 256 * 1024**2
SEGMENTS = 4
"""A large file is cut into so many at least, for two workers that do not end at the same time."""


@dataclass(frozen=True)
class Segments:
    """The records of a file as UTF-8 text without header, in files that end where a record ends."""

    header: tuple[str, ...] | None
    paths: tuple[Path, ...]
    line_end: str
    is_regular: bool


def cut(path: Path, spec: CsvFiles, work: Path) -> Segments:
    """Take a file apart into files below `work`.

    Raises:
        BrokenFileError: wrong encoding, NULs, no header, a quote that is never closed.
    """
    blocks = utf8_blocks(path, spec.encoding)
    if spec.comment:
        blocks = _without_comments(blocks, spec.comment.encode(), (spec.quote or "").encode())
    top = b""
    for block in blocks:
        top += block
        if len(top) > 2 * LONGEST_RECORD:
            break
    skipped, first, line_end = _first_record(top, spec)
    has_header = spec.header_row is not None
    body = top[skipped:] if has_header else top

    def rest() -> Iterator[bytes]:
        yield body
        yield from blocks

    size = path.stat().st_size
    segment_bytes = min(SEGMENT_BYTES, size // SEGMENTS) if size >= LARGE_BYTES else size + 1
    writer = _Writer(spec, work, segment_bytes, count_lines(top[:skipped]) + 1 if has_header else 1)
    for block in whole_lines(rest(), line_end.encode()):
        writer.write(block)
    writer.close()
    if spec.comment and not writer.is_regular:
        raise BrokenFileError("its quotes are irregular, so that comments cannot be told from values")
    return Segments(first if has_header else None, tuple(writer.paths), line_end, writer.is_regular)


def _first_record(top: bytes, spec: CsvFiles) -> tuple[int, tuple[str, ...], str]:
    """Where the first record ends, what it says, and how it ends."""
    text = top[: 2 * LONGEST_RECORD].decode(errors="ignore")
    lines = io.StringIO(text, newline="")
    skipped = sum(len(lines.readline().encode()) for _ in range((spec.header_row or 1) - 1))
    used: list[str] = []

    def used_lines() -> Iterator[str]:
        for line in lines:
            used.append(line)
            yield line

    try:
        first = next(parsed(used_lines(), spec), [])
    except csv.Error:
        first = []
    if spec.header_row is not None and not first:
        raise BrokenFileError(f"it has no header in row {spec.header_row}")
    record = "".join(used)
    line_end = next((end for end in ("\r\n", "\n", "\r") if record.endswith(end)), "\n")
    return skipped + len(record.encode()), tuple(first), line_end


def parsed(lines: Iterable[str], spec: CsvFiles) -> Iterator[list[str]]:
    """The records of some lines, by Python's parser; raises csv.Error."""
    return csv.reader(
        lines,
        delimiter=spec.delimiter,
        quotechar=spec.quote,
        quoting=csv.QUOTE_MINIMAL if spec.quote else csv.QUOTE_NONE,
        escapechar=spec.escape,
        doublequote=spec.escape is None,
        strict=True,
    )


def _without_comments(blocks: Iterator[bytes], comment: bytes, quote: bytes) -> Iterator[bytes]:
    """Leave out the lines that begin with `comment`, but for those inside a quoted value."""
    is_open = False
    for block in whole_lines(blocks, b"\n"):
        kept = []
        for line in block.splitlines(keepends=True):
            if is_open or not line.startswith(comment):
                kept.append(line)
                is_open ^= bool(quote) and line.count(quote) % 2 == 1
        yield b"".join(kept)


class _Writer:
    """Writes segments and follows the quotes: `is_regular` says that it always knew whether a value was open."""

    def __init__(self, spec: CsvFiles, work: Path, segment_bytes: int, line: int) -> None:
        self.paths: list[Path] = []
        special = f"{spec.delimiter}{spec.quote or ''}\r\n"
        self.is_regular = spec.escape is None and special.isascii()
        self._quote = ord(spec.quote) if spec.quote and self.is_regular else None
        self._is_beside_quote = np.zeros(256, dtype=bool)
        self._is_beside_quote[list(special.encode())] = True
        self._work, self._segment_bytes = work, segment_bytes
        self._line, self._opened_in = line, line
        self._is_open = False
        self._written = 0
        self._next()

    def _next(self) -> None:
        self.paths.append(self._work / f"segment-{len(self.paths):03d}.csv")
        self._stream = self.paths[-1].open("wb")
        self._written = 0

    def write(self, block: bytes) -> None:
        """Write a block of whole lines."""
        if self._written >= self._segment_bytes and self.is_regular and not self._is_open:
            self._stream.close()
            self._next()
        self._stream.write(block)
        self._written += len(block)
        self._follow(block)
        self._line += count_lines(block)

    def close(self) -> None:
        """End the last segment.

        Raises:
            BrokenFileError: a value is open.
        """
        self._stream.close()
        if self.is_regular and self._is_open:
            raise BrokenFileError(f"the quote in line {self._opened_in} is never closed")

    def _follow(self, block: bytes) -> None:
        if self._quote is None or not self.is_regular:
            return
        text = np.frombuffer(block, dtype=np.uint8)
        quotes = np.flatnonzero(text == self._quote)
        if not len(quotes):
            return
        # a block ends with a line end, and so did the one before it
        before = np.where(quotes > 0, text[quotes - 1], ord("\n"))
        after = np.where(quotes + 1 < len(text), text[np.minimum(quotes + 1, len(text) - 1)], ord("\n"))
        opens = int(self._is_open)
        self.is_regular = bool(
            self._is_beside_quote[before[opens::2]].all() and self._is_beside_quote[after[1 - opens :: 2]].all()
        )
        self._is_open ^= len(quotes) % 2 == 1
        if self._is_open:
            self._opened_in = self._line + count_lines(block[: quotes[-1]])
