"""The format of a file by its content, whatever its name says; compression is looked through."""

import codecs
import gzip
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

from wardlake.onboard.found import UnreadableError
from wardlake.onboard.patterns import group

Format = Literal["csv", "xlsx", "json", "jsonl", "parquet", "xml", "hl7", "sqlite"]
Compression = Literal["none", "gzip", "zip"]

HEAD_BYTES = 1024**2
BINARY: dict[bytes, Format] = {b"PAR1": "parquet", b"SQLite format 3\0": "sqlite", b"\xd0\xcf\x11\xe0": "xlsx"}
WORKBOOK_MEMBERS = ("[Content_Types].xml", "content.xml")
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class File:
    """A file: its name below the folder or prefix, its format, how it is packed, and the encoding of its text."""

    path: Path
    name: str
    format: Format
    compression: Compression = "none"
    member: str = "*"
    first_member: str | None = None
    encoding: str = "utf-8"

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The content, unpacked; of an archive the first of the members that are read."""
        with _unpacked(self.path, self.compression, self.first_member) as stream:
            yield stream


def look_at(path: Path, name: str) -> File:
    """Describe a file by its first bytes.

    Raises:
        UnreadableError: it is empty, or of no format that can be described.
    """
    compression: Compression = "none"
    member, first = "*", None
    with path.open("rb") as stream:
        start = stream.read(16)
    if start.startswith(b"\x1f\x8b"):
        compression = "gzip"
    elif start.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(path) as archive:
            members = [one.filename for one in archive.infolist() if not one.is_dir()]
        if any(one in WORKBOOK_MEMBERS for one in members):
            return File(path, name, "xlsx")
        if not members:
            raise UnreadableError("its archive is empty")
        compression = "zip"
        groups = group(members)
        member, own = next(iter(groups.items()))
        first, member = own[0], "*" if len(groups) == 1 else member
    try:
        with _unpacked(path, compression, first) as stream:
            head = stream.read(HEAD_BYTES)
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise UnreadableError(f"it cannot be unpacked ({type(error).__name__})") from None
    format_, encoding = _format_of(head)
    if compression != "none" and format_ in ("parquet", "xlsx", "sqlite"):
        raise UnreadableError(f"it is {format_} inside {compression}: unpack it first")
    return File(path, name, format_, compression, member, first, encoding)


def encoding_of(head: bytes) -> str:
    """Python's name of the encoding of text, judged by its first bytes.

    Raises:
        UnreadableError: it is no text.
    """
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        raise UnreadableError("it is no text, and of no format that can be described")
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head)
    except UnicodeDecodeError:
        try:
            head.decode("cp1252")
        except UnicodeDecodeError:
            return "latin-1"
        return "cp1252"
    return "utf-8"


@contextmanager
def _unpacked(path: Path, compression: Compression, member: str | None) -> Iterator[IO[bytes]]:
    if compression == "gzip":
        with gzip.open(path) as unpacked:
            yield cast(IO[bytes], unpacked)
    elif compression == "zip" and member:
        with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
            yield stream
    else:
        with path.open("rb") as stream:
            yield stream


def _format_of(head: bytes) -> tuple[Format, str]:
    if not head.strip():
        raise UnreadableError("it is empty")
    for magic, format_ in BINARY.items():
        if head.startswith(magic):
            return format_, "utf-8"
    encoding = encoding_of(head)
    text = head.decode(encoding, errors="replace").lstrip("\ufeff\x0b \t\r\n")
    if text.startswith(("MSH|", "FHS|", "BHS|")):
        return "hl7", encoding
    if text.startswith("<"):
        return "xml", encoding
    if text.startswith(("{", "[")):
        return ("jsonl" if _has_object_a_line(text) else "json"), encoding
    return "csv", encoding


def _has_object_a_line(text: str) -> bool:
    first, _, rest = text.partition("\n")
    try:
        return isinstance(json.loads(first), dict) and bool(rest.strip())
    except ValueError:
        return False
