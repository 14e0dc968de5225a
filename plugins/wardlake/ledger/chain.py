"""The chain: numbered objects in the quality bucket, each with the SHA-256 of the one before, none ever replaced.

Two writers at once are kept apart by the store's conditional put: one of them gets the number, the other the next one.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from wardlake.lake import Lake
from wardlake.ledger.entries import Content
from wardlake.settings import Settings
from wardlake.version import code_version

PREFIX = "quality/_ledger/"
HINT = "quality/_ledger_head.json"
"""Where the last writer left the head: it saves a listing, and nothing is believed that the chain does not say."""
NO_ENTRY = "0" * 64
FETCHED_AT_ONCE = 16
READ_AHEAD = 256


class Head(BaseModel):
    """The last entry: its number and the SHA-256 of its object."""

    model_config = ConfigDict(frozen=True)

    sequence: int
    sha256: str


class Entry(BaseModel):
    """The object behind a number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: int
    previous: str
    at: datetime
    code_version: str
    content: Content


@dataclass(frozen=True)
class Link:
    """A number of the chain with what the store holds there; `body` is None if the object is gone."""

    sequence: int
    body: bytes | None

    @property
    def sha256(self) -> str:
        """SHA-256 of the object as it is now."""
        return sha256_of(self.body or b"")

    @property
    def entry(self) -> Entry:
        """The entry.

        Raises:
            ValueError: the object is gone, or no entry.
        """
        if self.body is None:
            raise ValueError("the object is gone")
        return Entry.model_validate_json(self.body)


def sha256_of(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def entry_key(sequence: int) -> str:
    """Key of an entry's object in the quality bucket."""
    return f"{PREFIX}{sequence:012d}.json"


def sequence_of(key: str) -> int:
    """Number of the entry behind a key."""
    return int(key.removeprefix(PREFIX).removesuffix(".json"))


def append(settings: Settings, lake: Lake, content: Content) -> Head:
    """Add an entry and return it as the new head.

    Raises:
        PermanentError: the store refuses the write.
        PassingError: the store did not answer.
    """
    bucket = settings.bucket("quality")
    last = head(settings, lake)
    while True:
        entry = Entry(
            sequence=last.sequence + 1,
            previous=last.sha256,
            at=datetime.now(UTC),
            code_version=code_version(),
            content=content,
        )
        body = entry.model_dump_json().encode()
        if lake.put_if_absent(bucket, entry_key(entry.sequence), body, lock_days=settings.quality_lock_days):
            new = Head(sequence=entry.sequence, sha256=sha256_of(body))
            lake.put(bucket, HINT, new.model_dump_json().encode())
            return new
        last = _walk(lake, bucket, last)


def head(settings: Settings, lake: Lake) -> Head:
    """The last entry; number 0 if there is none."""
    bucket = settings.bucket("quality")
    return _walk(lake, bucket, _begin(lake, bucket))


def links(settings: Settings, lake: Lake, after: int = 0) -> Iterator[Link]:
    """What stands behind the numbers after `after`, in their order, up to the greatest number that is there."""
    bucket = settings.bucket("quality")
    # a listing begins after a key, so that what was read before is not listed again
    found = lake.entries(bucket, PREFIX, after=entry_key(after))
    last = sequence_of(found[-1].key) if found else after
    with ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
        for first in range(after + 1, last + 1, READ_AHEAD):
            numbers = range(first, min(first + READ_AHEAD, last + 1))
            bodies = pool.map(lambda number: lake.find(bucket, entry_key(number)), numbers)
            yield from (Link(number, body) for number, body in zip(numbers, bodies, strict=True))


def _begin(lake: Lake, bucket: str) -> Head:
    """An entry that is there: the one that the hint names, else the last one of a listing."""
    if hint := lake.find(bucket, HINT):
        told = Head.model_validate_json(hint)
        body = lake.find(bucket, entry_key(told.sequence))
        if body is not None:
            return Head(sequence=told.sequence, sha256=sha256_of(body))
    keys = lake.list(bucket, PREFIX)
    if not keys:
        return Head(sequence=0, sha256=NO_ENTRY)
    return Head(sequence=sequence_of(keys[-1]), sha256=sha256_of(lake.get(bucket, keys[-1])))


def _walk(lake: Lake, bucket: str, found: Head) -> Head:
    """The last entry, from one that is there."""
    while (body := lake.find(bucket, entry_key(found.sequence + 1))) is not None:
        found = Head(sequence=found.sequence + 1, sha256=sha256_of(body))
    return found
