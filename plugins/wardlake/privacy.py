"""Keyed pseudonyms: HMAC-SHA256 (RFC 2104) in a form that SQL engines can compute without seeing the key in a query."""

import hashlib
import hmac
import re
from dataclasses import dataclass

from wardlake.errors import PermanentError
from wardlake.settings import Settings

BLOCK_BYTES = 64  # block size of SHA-256
QUOTED_VALUE = re.compile(r"'(?:[^']|'')*'")
DOUBLE_QUOTED_OR_NUMBER = re.compile(r'"[^"]*"|\b\d[\d.,:-]*')


@dataclass(frozen=True)
class PseudonymPads:
    """The key xor-ed with RFC 2104's inner and outer pad, 64 bytes each; as secret as the key itself."""

    inner: bytes
    outer: bytes


def pseudonym_pads(settings: Settings) -> PseudonymPads:
    """Pads of the pseudonym key.

    `pseudonym(x) = sha256(outer || sha256(inner || x))`, which is HMAC-SHA256.

    Raises:
        PermanentError: no key is set.
    """
    key = _key(settings)
    block = (hashlib.sha256(key).digest() if len(key) > BLOCK_BYTES else key).ljust(BLOCK_BYTES, b"\0")
    return PseudonymPads(bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block))


def pseudonym(settings: Settings, identifier: str | None) -> str | None:
    """Pseudonym of an identifier, 64 hexadecimal digits; None stays None."""
    if identifier is None:
        return None
    return hmac.new(_key(settings), identifier.encode(), hashlib.sha256).hexdigest()


def _key(settings: Settings) -> bytes:
    if settings.pseudonym_key is None:
        raise PermanentError(
            "There is no key for the pseudonyms in gold.",
            remedy="Set WARDLAKE_PSEUDONYM_KEY to a secret of 32 characters or more, and keep it: "
            "another key gives every patient another pseudonym.",
        )
    return settings.pseudonym_key.get_secret_value().encode()


def without_values(text: str, *, keep_names: bool = True) -> str:
    """An engine's message without what stands where engines print the value they choked on.

    Values stand in single quotes; in messages about data also in double quotes or as bare numbers, where messages
    about queries have the names of columns and tables: `keep_names` is False for the former.
    """
    told = QUOTED_VALUE.sub("'…'", text)
    return told if keep_names else DOUBLE_QUOTED_OR_NUMBER.sub("…", told)
