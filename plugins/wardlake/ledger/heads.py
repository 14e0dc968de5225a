"""The head of the chain beside what it speaks of: whoever rewrites the chain has to rewrite all of these as well."""

from collections.abc import Sequence

from wardlake.lake import Lake
from wardlake.ledger.chain import Head
from wardlake.settings import Settings

HEAD = "_ledger_head.json"


def leave_head(settings: Settings, lake: Lake, head: Head, prefixes: Sequence[str]) -> None:
    """Store a head below prefixes of the quality bucket, where there is none yet.

    Raises:
        PassingError: the store did not answer.
    """
    body = head.model_dump_json().encode()
    for prefix in prefixes:
        lake.put_if_absent(settings.bucket("quality"), prefix + HEAD, body, lock_days=settings.quality_lock_days)


def has_head(settings: Settings, lake: Lake, prefix: str) -> bool:
    """Whether a head was left below a prefix of the quality bucket."""
    return lake.exists(settings.bucket("quality"), prefix + HEAD)
