"""Text of any encoding as blocks of UTF-8, so that every parser behind it reads the same bytes."""

import codecs
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wardlake.bronze.readers.files.formats import BrokenFileError

BLOCK_BYTES = 256 * 1024  # stays in the processor's cache
LONGEST_RECORD = 2_000_000
"""Bytes of UTF-8; DuckDB refuses longer records as well."""


def utf8_blocks(path: Path, encoding: str) -> Iterator[bytes]:
    """The text as UTF-8 without byte order mark.

    Raises:
        BrokenFileError: names the line that does not fit the encoding, or that holds a NUL.
    """
    is_utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
    decoder = codecs.getincrementaldecoder("utf-8-sig" if is_utf8 else encoding)()
    lines = 1
    with path.open("rb") as stream:
        while True:
            block = stream.read(BLOCK_BYTES)
            is_plain = is_utf8 and lines > 1 and block.isascii() and not decoder.getstate()[0]
            try:
                plain = block if is_plain else decoder.decode(block, final=not block).encode()
            except UnicodeError as error:
                raise BrokenFileError(
                    f"line {lines + _lines_before(error, encoding)} is not in the encoding {encoding}"
                ) from None
            if lines == 1:
                plain = plain.removeprefix(codecs.BOM_UTF8)
            if (place := plain.find(b"\0")) >= 0:
                raise BrokenFileError(
                    f"line {lines + count_lines(plain[:place])} holds a NUL: is it text in {encoding}?"
                )
            if plain:
                yield plain
            lines += count_lines(plain)
            if not block:
                return


def _lines_before(error: UnicodeError, encoding: str) -> int:
    if not isinstance(error, UnicodeDecodeError):
        return 0
    before = error.object[: error.start].decode(encoding, errors="ignore")
    return count_lines(before.encode())


def count_lines(text: bytes) -> int:
    """Number of line ends: LF or CR LF, or CR if there are no others."""
    codes = np.frombuffer(text, dtype=np.uint8)
    return int(np.count_nonzero(codes == ord("\n")) or np.count_nonzero(codes == ord("\r")))


def whole_lines(blocks: Iterator[bytes], line_end: bytes) -> Iterator[bytes]:
    """The same text in blocks that end where a line ends, but for the last one.

    Raises:
        BrokenFileError: a line is too long to be one.
    """
    rest = b""
    for block in blocks:
        cut = block.rfind(line_end) + len(line_end)
        if cut < len(line_end):
            rest += block
            if len(rest) > 8 * LONGEST_RECORD:
                raise BrokenFileError(
                    f"it has a line of more than {LONGEST_RECORD:,} bytes: has it the right line ends?"
                )
            continue
        yield rest + block[:cut]
        rest = block[cut:]
    if rest:
        yield rest
