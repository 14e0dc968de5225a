"""What is new among the files: by the store's mark of their version before they are fetched, by content afterwards."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from wardlake.bronze.current import counting
from wardlake.bronze.holdings import held_now, in_order, takers
from wardlake.bronze.manifest import HeldFile, Manifest
from wardlake.bronze.readers.files.stores import Listed
from wardlake.sources import Table


@dataclass(frozen=True)
class History:
    """What the committed batches of a table have recorded. Contents are SHA-256 digests.

    `times` counts how often a content was taken by any batch, `standing` are the contents whose rows count; `newest` is
    what each name holds, `whole` the content that the table shows if each file is the whole table. `seen` are the marks
    of the files as they were when they were last looked at.
    """

    times: Counter[str]
    standing: frozenset[str]
    newest: dict[str, HeldFile]
    whole: str | None
    seen: dict[str, str]

    def has_seen(self, file: Listed) -> bool:
        """Whether this version of a file needs no second look."""
        return file.mark is not None and self.seen.get(file.name) == file.mark

    def knows(self, file: HeldFile) -> bool:
        """Whether it is recorded already what the file holds, so that there is nothing to say of it."""
        newest = self.newest.get(file.name)
        return newest is not None and (newest.sha256, newest.modified_at) == (file.sha256, file.modified_at)

    def is_new(self, table: Table, content: str) -> bool:
        """Whether the rows of a content are to be taken.

        Those of an earlier snapshot are taken again: once they are shown no longer, they may be deleted at any time.
        """
        return content not in self.standing or (table.mode == "snapshot" and content != self.whole)


def history_of(table: Table, committed: Sequence[Manifest], replaced: Collection[str]) -> History:
    """What was recorded so far; batches that were or are now replaced do not count."""
    superseded = {batch_id for manifest in committed for batch_id in manifest.supersedes} | set(replaced)
    valid = [manifest for manifest in committed if manifest.batch_id not in superseded]
    whole = next((manifest.whole for manifest in counting(table, valid)), None)
    return History(
        times=Counter(file.sha256 for manifest in committed for file in manifest.taken),
        standing=frozenset(takers([manifest for manifest in valid if manifest.retirement is None])),
        newest={name: held.file for name, held in held_now(valid).items()},
        whole=whole.sha256 if whole else None,
        seen=_seen(valid),
    )


def _seen(manifests: Sequence[Manifest]) -> dict[str, str]:
    """Marks of the files whose last look is recorded: what they held then, and with the rows of it in some batch.

    Batches from before `held` was recorded left some out, and one that is replaced takes its rows away: these files
    are looked at again.
    """
    taken, marks, recorded = takers(manifests), dict[str, str](), dict[str, bool]()
    for manifest in in_order(manifests):
        for file in manifest.holds:
            for path in _with_archive(file.name):
                marks.pop(path, None)  # of another version
        marks |= manifest.seen
        recorded |= {file.name: file.sha256 in taken for file in manifest.holds}
    known = _with_archives(name for name, has_rows in recorded.items() if has_rows)
    unknown = _with_archives(name for name, has_rows in recorded.items() if not has_rows)
    return {name: mark for name, mark in marks.items() if name in known - unknown}


def _with_archive(name: str) -> list[str]:
    """A name, and what may be the archive in which it is a member."""
    return [name, *map(str, PurePosixPath(name).parents)]


def _with_archives(names: Iterable[str]) -> set[str]:
    return {path for name in names for path in _with_archive(name)}


def lost_by_replacing(
    table: Table, committed: Sequence[Manifest], replaced: Collection[str], again: Collection[HeldFile]
) -> list[str]:
    """Names of files whose content is shown by the replaced batches only, and is not among the files held `again`."""
    superseded = {batch_id for manifest in committed for batch_id in manifest.supersedes}
    before = [manifest for manifest in committed if manifest.batch_id not in superseded]
    after = [manifest for manifest in before if manifest.batch_id not in replaced]
    taken = takers(before)
    is_kept = table.files is not None and table.files.versions == "keep"
    shown_before, shown_after = (takers(before), takers(after)) if is_kept else (held_now(before), held_now(after))
    # a name that is held again holds nothing else any more, unless all of its versions are kept
    stays = {file.sha256 for file in again}
    moved = set() if is_kept else {file.name for file in again}
    stays |= {held.file.sha256 for held in shown_after.values() if held.file.name not in moved}
    return sorted(
        held.file.name
        for held in shown_before.values()
        if {held.batch.batch_id, taken[held.file.sha256].batch.batch_id} & set(replaced)
        if held.file.sha256 not in stays and held.file.name not in moved
    )
