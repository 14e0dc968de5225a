"""Claims on files: the content of a file is taken by one batch only, whatever runs at once, dies or is run again.

A claim is an object `bronze/<source>/<table>/_taken/<sha256>.json` that names the batch. It is put before the rows are
read, on the condition that there is none, and looked at again right before the batch is committed.
"""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from wardlake.bronze.manifest import Manifest, TakenFile, batch_prefix, read_manifest
from wardlake.errors import PassingError
from wardlake.lake import Lake

WORKERS = 16


def claim_key(source: str, table: str, sha256: str, times: int) -> str:
    """The object that claims a content which batches have taken `times` times before."""
    return f"{batch_prefix(source, table)}_taken/{sha256}{f'-{times}' if times else ''}.json"


def claim(lake: Lake, bucket: str, key: str, source: str, table: str, batch_id: str, *, is_alone: bool) -> bool:
    """Claim a content for a batch; False if it belongs to another one.

    `is_alone` says that no other batch of the source is under way: the claim of a batch that was not committed is then
    that of a dead one, and is taken over.
    """
    body = json.dumps({"batch_id": batch_id}).encode()
    if lake.put_if_absent(bucket, key, body):
        return True
    owner = owner_of(lake, bucket, key)
    if owner == batch_id:
        return True
    if owner is not None:
        committed = read_manifest(lake, bucket, source, table, owner)
        has_taken = committed is not None and any(file.claim == key for file in committed.taken)
        if has_taken or not is_alone:
            return False
    lake.put(bucket, key, body)
    return True


def release(lake: Lake, bucket: str, keys: Iterable[str], batch_id: str) -> None:
    """Give up claims of a batch that does not take the files after all."""
    for key in keys:
        if owner_of(lake, bucket, key) == batch_id:
            lake.delete(bucket, key)


def owner_of(lake: Lake, bucket: str, key: str) -> str | None:
    """The batch that a claim names; None if there is no claim."""
    content = lake.find(bucket, key)
    return None if content is None else str(json.loads(content)["batch_id"])


def confirm(lake: Lake, bucket: str, manifest: Manifest) -> None:
    """See to it that the claims of a batch are still its own.

    Raises:
        PassingError: another batch has taken a file over.
    """

    def is_lost(file: TakenFile) -> bool:
        return file.claim is not None and owner_of(lake, bucket, file.claim) != manifest.batch_id

    with ThreadPoolExecutor(WORKERS) as pool:
        lost = [file.name for file, gone in zip(manifest.taken, pool.map(is_lost, manifest.taken), strict=True) if gone]
    if lost:
        raise PassingError(
            f"{manifest.source}.{manifest.table}, batch {manifest.batch_id}: another batch has taken {len(lost)} of "
            f"its files meanwhile, {lost[0]} among them. The batch was not committed.",
            remedy="Run again: it will find what is left for it.",
        )
