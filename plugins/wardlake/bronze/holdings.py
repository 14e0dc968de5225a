"""What the files of a table hold, as its batches recorded it: names with the content that lies under them.

The rows of a content are in the batch that took it. Other names of the same content, and later times at which it was
found again, are recorded without rows; they find the rows by the content's digest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from wardlake.bronze.manifest import HeldFile, Manifest


@dataclass(frozen=True)
class Holding:
    """A file and the batch that recorded it."""

    file: HeldFile
    batch: Manifest

    @property
    def age(self) -> tuple[datetime, datetime, str]:
        """Greater for the younger of two files; of those that changed at one time the one that was recorded last."""
        recorded_at = self.batch.extracted_at
        return (self.file.modified_at or recorded_at, recorded_at, self.file.name)


def in_order(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Batches in the order in which they looked at the source."""
    return sorted(manifests, key=lambda manifest: (manifest.extracted_at, manifest.batch_id))


def takers(manifests: Sequence[Manifest]) -> dict[str, Holding]:
    """For each content, the file and the batch that has its rows; the last one, if it was taken more than once."""
    return {file.sha256: Holding(file, batch) for batch in in_order(manifests) for file in batch.taken}


def held_now(manifests: Sequence[Manifest]) -> dict[str, Holding]:
    """For each name what it was last seen to hold, of the contents that one of these batches has taken."""
    taken = takers(manifests)
    return {
        file.name: Holding(file, batch) for batch in in_order(manifests) for file in batch.holds if file.sha256 in taken
    }


def youngest(holdings: Iterable[Holding]) -> Holding | None:
    """The holding that is the table, if each file is the whole of it."""
    return max(holdings, key=lambda holding: holding.age, default=None)
