"""Where files come from: the landing bucket, a folder, an SFTP server. Each lists what is there and copies it here."""

import errno
import fnmatch
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Protocol

from wardlake.bronze.relation import Opening
from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.sources.connections import FolderConnection, LandingConnection, SftpConnection
from wardlake.sources.files import FileSpec

UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
RACY = timedelta(seconds=2)
"""A clock of a file system may be this coarse: a file this young may change without a new time or size."""


class ChangedError(Exception):
    """The file changed or went away since it was listed; what it is now shows at the next look."""


class UnreadableError(Exception):
    """The store refuses this one file; the text says why."""


@dataclass(frozen=True)
class Listed:
    """A file as the store lists it. `mark` stands for this version of it; None: it is too young to have one."""

    name: str
    bytes: int
    modified_at: datetime
    mark: str | None


class Store(Protocol):
    """`fetch` may be called from `workers` threads at once. `is_atomic`: a file is listed when all of it is there.

    Raises ChangedError, UnreadableError; PassingError and PermanentError if the store as a whole does not answer.
    """

    @property
    def workers(self) -> int: ...

    @property
    def is_atomic(self) -> bool: ...

    def list(self) -> Sequence[Listed]: ...

    def fetch(self, file: Listed, path: Path) -> None: ...


def is_unfinished(name: str) -> bool:
    """Whether the last part of a name is one that programs give to files that are not for others."""
    last = PurePosixPath(name).name
    return last.startswith((".", "~$")) or last.lower().endswith(UNFINISHED)


def wanted(store: Store, spec: FileSpec) -> list[Listed]:
    """The files that the table reads, oldest first, without those that may still be under way."""
    settled = datetime.now(UTC) - timedelta(seconds=spec.settle_s)
    found = [
        file
        for file in store.list()
        if fnmatch.fnmatchcase(file.name, spec.pattern)
        and not is_unfinished(file.name)
        and (store.is_atomic or file.modified_at <= settled)
    ]
    return sorted(found, key=lambda file: (file.modified_at, file.name))


@dataclass(frozen=True)
class LandingStore:
    """Objects below a prefix of the landing bucket; an object is there as a whole or not at all."""

    lake: Lake
    bucket: str
    prefix: str
    workers: int = 8
    is_atomic: bool = True

    def list(self) -> Sequence[Listed]:
        return [
            Listed(
                entry.key.removeprefix(self.prefix),
                entry.bytes,
                entry.modified_at,
                f"{entry.etag}@{entry.modified_at.isoformat()}",  # an old content that comes back has its old ETag
            )
            for entry in self.lake.entries(self.bucket, self.prefix)
            if not entry.key.endswith("/")
        ]

    def fetch(self, file: Listed, path: Path) -> None:
        etag = (file.mark or "").partition("@")[0]
        if not self.lake.download_version(self.bucket, self.prefix + file.name, etag, path):
            raise ChangedError


@dataclass(frozen=True)
class FolderStore:
    """Files below a folder, those in folders below it included; links are not followed."""

    folder: Path
    place: str
    workers: int = 2
    is_atomic: bool = False

    def list(self) -> Sequence[Listed]:
        found = []
        with self._translated():
            os.stat(self.folder)
            for folder, _, names in os.walk(self.folder, onerror=_raise):
                for name in names:
                    path = Path(folder, name)
                    try:
                        status = path.lstat()
                    except FileNotFoundError:
                        continue
                    if stat.S_ISREG(status.st_mode):
                        found.append(_listed(path.relative_to(self.folder).as_posix(), status))
        return found

    def fetch(self, file: Listed, path: Path) -> None:
        source = self.folder / file.name
        with self._translated():
            try:
                shutil.copyfile(source, path, follow_symlinks=False)
                status = source.lstat()
            except FileNotFoundError:
                raise ChangedError from None
            except PermissionError:
                raise UnreadableError("this user may not read it") from None
        if _changed(file, status):
            raise ChangedError

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            raise PermanentError(
                f"{self.place}: the folder {self.folder} cannot be listed ({error.strerror}).",
                remedy="Mount it, give this user the right to read it, or correct 'path' in the YAML.",
            ) from error
        except OSError as error:
            if error.errno in DISK_FULL:
                raise
            raise PassingError(
                f"{self.place}: the folder {self.folder} does not answer ({error.strerror}).",
                remedy="Check the share that is mounted there; the task will try again.",
            ) from error


def _raise(error: OSError) -> None:
    raise error


def _listed(name: str, status: os.stat_result) -> Listed:
    return listed_by_time(name, status.st_size, status.st_mtime_ns)


def listed_by_time(name: str, size: int, modified_ns: int) -> Listed:
    """A file whose versions are told apart by size and time of change only."""
    modified_at = datetime.fromtimestamp(modified_ns / 1e9, UTC)
    is_racy = datetime.now(UTC) - modified_at < RACY
    return Listed(name, size, modified_at, None if is_racy else f"{size}-{modified_ns}")


def _changed(file: Listed, status: os.stat_result) -> bool:
    now = _listed(file.name, status)
    return (file.bytes, file.modified_at) != (now.bytes, now.modified_at)


@contextmanager
def open_store(opening: Opening) -> Iterator[Store]:
    """The store that a source's connection names.

    Raises:
        PermanentError: login refused, another host key than the YAML's, no such folder.
        PassingError: the server does not answer.
    """
    settings, connection = opening.settings, opening.source.connection
    match connection:
        case LandingConnection():
            yield LandingStore(opening.lake, settings.bucket("landing"), connection.prefix.rstrip("/") + "/")
        case FolderConnection():
            yield FolderStore(settings.project_root / connection.path, opening.source.name)
        case SftpConnection():
            from wardlake.bronze.readers.files.sftp import open_sftp  # noqa: PLC0415  paramiko is slow to import

            uri = opening.uri or settings.connection_uri(connection.conn_id)
            with open_sftp(connection, uri, opening.source.name) as store:
                yield store
        case _:
            raise AssertionError("the caller chose by kind")
