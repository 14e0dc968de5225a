"""Records of the lake that never change (manifests and their like), each fetched once and kept on this machine.

A copy counts for one ETag only, so that an object which somebody has replaced by hand is fetched anew.
"""

import hashlib
import os
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from wardlake.lake import Entry, Lake
from wardlake.settings import Settings

FETCHED_AT_ONCE = 8

Record = TypeVar("Record", bound=BaseModel)


def read_records(
    settings: Settings, lake: Lake, bucket: str, entries: Sequence[Entry], model: type[Record]
) -> dict[str, Record]:
    """The records behind entries of a listing, by key. One that was deleted since the listing is left out."""

    def read(entry: Entry) -> bytes | None:
        copy = settings.home / "cache" / bucket / f"{entry.key}.{entry.etag}"
        return _read_copy(copy) or _fetch(lake, bucket, entry.key, copy)

    with ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
        contents = zip(entries, pool.map(read, entries), strict=True)
        return {entry.key: model.model_validate_json(content) for entry, content in contents if content is not None}


def _read_copy(copy: Path) -> bytes | None:
    """The content of a copy, None if there is none or if it is not whole."""
    try:
        digest, content = copy.read_bytes().split(b"\n", 1)
    except (OSError, ValueError):
        return None
    return content if _digest(content) == digest else None


def _fetch(lake: Lake, bucket: str, key: str, copy: Path) -> bytes | None:
    content = lake.find(bucket, key)
    if content is not None:
        # without room or rights for a copy, the record itself still serves
        with suppress(OSError):
            copy.parent.mkdir(parents=True, exist_ok=True)
            unfinished = copy.with_name(f".{uuid.uuid4().hex}")
            try:
                unfinished.write_bytes(_digest(content) + b"\n" + content)
                os.replace(unfinished, copy)
            finally:
                unfinished.unlink(missing_ok=True)
    return content


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
