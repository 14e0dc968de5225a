"""Files out of gzip and zip, onto disk, with a bound on what a small file may swell to."""

import fnmatch
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wardlake.bronze.readers.files.formats import BrokenFileError
from wardlake.bronze.readers.files.stores import is_unfinished
from wardlake.sources.files import FileSpec

BLOCK_BYTES = 1024**2
MOST_TIMES = 200
SMALL_BYTES = 64 * 1024**2
"""A file may unpack to `MOST_TIMES` its size, and to `SMALL_BYTES` in any case."""
MOST_MEMBERS = 10_000
IS_ENCRYPTED = 0x1
DAMAGED = (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, NotImplementedError)


@dataclass(frozen=True)
class Plain:
    """A file to be read. `member` is its name in the archive; `broken` says why it could not be unpacked."""

    path: Path
    member: str | None = None
    broken: str | None = None


def unpack(spec: FileSpec, path: Path, *, is_whole_table: bool) -> Iterator[Plain]:
    """The plain files of a fetched file, beside it.

    Raises:
        BrokenFileError: damaged, encrypted, or swells beyond the bound.
    """
    if spec.compression == "none":
        yield Plain(path)
        return
    allowance = _Allowance(path)
    if spec.compression == "gzip":
        target = path.with_name(f"{path.name}-plain")
        try:
            with gzip.open(path) as stream:
                allowance.copy(stream, target)
        except DAMAGED as error:
            raise BrokenFileError("it is damaged, cut off, or not gzip") from error
        yield Plain(target)
    else:
        yield from _members(spec, path, allowance, is_whole_table)


def _members(spec: FileSpec, path: Path, allowance: "_Allowance", is_whole_table: bool) -> Iterator[Plain]:
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise BrokenFileError("it is damaged, cut off, or not a zip archive") from error
    with archive:
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir()
            and not member.filename.startswith("__MACOSX/")
            and not is_unfinished(member.filename)
            and fnmatch.fnmatchcase(member.filename, spec.member)
        ]
        names = {member.filename for member in members}
        if not members:
            raise BrokenFileError(f"no member of the archive matches '{spec.member}'")
        if len(members) > MOST_MEMBERS:
            raise BrokenFileError(f"it has {len(members)} members, and {MOST_MEMBERS} at most are read")
        if len(names) < len(members):
            raise BrokenFileError("two of its members have the same name")
        if is_whole_table and len(members) > 1:
            raise BrokenFileError(
                f"{len(members)} members match '{spec.member}', and a table with mode: snapshot is one file"
            )
        for number, member in enumerate(members):
            target = path.with_name(f"{path.name}-{number}")
            broken = None
            if member.flag_bits & IS_ENCRYPTED:
                broken = "it is encrypted"
            else:
                try:
                    with archive.open(member) as stream:
                        allowance.copy(stream, target)
                except DAMAGED:
                    broken = "it is damaged, or packed by a method that is not understood"
            yield Plain(target, member.filename, broken)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Allowance:
    """How much a file may still swell to."""

    def __init__(self, path: Path) -> None:
        self._bytes = max(SMALL_BYTES, MOST_TIMES * path.stat().st_size)

    def copy(self, stream: _Readable, target: Path) -> None:
        with target.open("wb") as plain:
            while block := stream.read(BLOCK_BYTES):
                self._bytes -= len(block)
                if self._bytes < 0:
                    raise BrokenFileError(f"it unpacks to more than {MOST_TIMES} times its size")
                plain.write(block)
