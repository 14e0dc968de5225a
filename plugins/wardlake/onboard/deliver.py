"""`wardlake source deliver`: files by hand into the landing bucket, as the system would drop them."""

import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path

from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.onboard.files import by_name
from wardlake.plural import counted
from wardlake.settings import Settings
from wardlake.sources import Source


def deliver(settings: Settings, source: Source, paths: Sequence[Path]) -> Mapping[str, bool]:
    """Put files, and the files below folders, under the source's prefix; says of each whether a table reads it.

    A file that no table reads stays where it is. One that has the name of a delivered file takes its place.

    Raises:
        PassingError: the store did not answer.
        PermanentError: the source takes no files from the landing bucket, a path does not exist, or no table reads
            any of the files; nothing was delivered.
    """
    connection = source.connection
    if connection.kind != "landing":
        raise PermanentError(
            f"{source.name} takes nothing from the landing bucket: its connection is of kind {connection.kind}.",
            remedy="Name a source whose connection is of kind landing.",
        )
    patterns = [table.files.pattern for table in source.tables.values() if table.files]
    found = by_name(paths)
    is_read = {name: any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns) for name in found}
    if not any(is_read.values()):
        raise PermanentError(
            f"No table of {source.name} reads files of these names ({counted(len(found), 'file')}).",
            remedy=f"Its patterns are {', '.join(patterns)}.",
        )
    lake, prefix = Lake(settings), connection.prefix.rstrip("/")
    for name in (name for name, wanted in is_read.items() if wanted):
        lake.upload(found[name], settings.bucket("landing"), f"{prefix}/{name}")
    return is_read
