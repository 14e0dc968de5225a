"""What is new among the files: by the store's mark of their version before they are fetched, by content afterwards."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wardlake.bronze.current import counting, whole_table
from wardlake.bronze.manifest import Manifest
from wardlake.bronze.readers.files.stores import Listed
from wardlake.sources import Table


@dataclass(frozen=True)
class History:
    """What the committed batches of a table have taken. Contents are SHA-256 digests.

    `times` counts how often a content was taken by any batch, `standing` are the contents whose rows count; `newest` is
    the content that each name shows, `whole` the one that the table shows if each file is the whole table.
    """

    times: Counter[str]
    standing: frozenset[str]
    newest: dict[str, str]
    whole: str | None
    seen: frozenset[tuple[str, str]]

    def has_seen(self, file: Listed) -> bool:
        """Whether this version of a file needs no second look."""
        return file.mark is not None and (file.name, file.mark) in self.seen

    def is_new(self, table: Table, name: str, content: str) -> bool:
        """Whether a content is to be taken.

        One that was taken before is taken again only if it is shown no longer: an older version has come back.
        """
        if content not in self.standing:
            return True
        if table.mode == "snapshot":
            return self.whole not in (None, content)
        is_replaced = table.files is not None and table.files.versions == "replace"
        return is_replaced and self.newest.get(name, content) != content


def history_of(table: Table, committed: Sequence[Manifest], replaced: Collection[str]) -> History:
    """What was taken so far; batches that were or are now replaced do not count."""
    superseded = {batch_id for manifest in committed for batch_id in manifest.supersedes} | set(replaced)
    standing = [manifest for manifest in committed if manifest.batch_id not in superseded]
    by_time = sorted(standing, key=lambda manifest: manifest.extracted_at)
    now = counting(table, standing)
    whole = whole_table(now[-1]) if table.mode == "snapshot" and now else None
    return History(
        times=Counter(file.sha256 for manifest in committed for file in manifest.taken),
        standing=frozenset(file.sha256 for manifest in standing for file in manifest.taken),
        newest={file.name: file.sha256 for manifest in by_time for file in manifest.taken},
        whole=whole.sha256 if whole else None,
        seen=frozenset(mark for manifest in standing for mark in manifest.seen.items()),
    )


def lost_by_replacing(
    table: Table, committed: Sequence[Manifest], replaced: Collection[str], again: Collection[str]
) -> list[str]:
    """Names of files that only the replaced batches have, and that are not among the contents taken again."""
    history = history_of(table, committed, replaced)
    before = history_of(table, committed, ())
    return sorted(
        {
            file.name
            for manifest in committed
            if manifest.batch_id in replaced
            for file in manifest.taken
            if file.sha256 not in history.standing
            and file.sha256 not in again
            and (before.newest[file.name] == file.sha256 or (table.files and table.files.versions == "keep"))
        }
    )
