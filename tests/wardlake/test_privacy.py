"""Pseudonyms are HMAC-SHA256, in Python and in SQL alike."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from wardlake.privacy import pseudonym, pseudonym_pads, without_values
from wardlake.settings import Settings

KEYS = st.text(min_size=32, max_size=200).filter(lambda key: "\0" not in key and key.isprintable())


@given(KEYS, st.text())
def test_the_pads_compute_the_same_as_hmac(key: str, identifier: str) -> None:
    settings = Settings(pseudonym_key=SecretStr(key))
    pads = pseudonym_pads(settings)
    by_pads = hashlib.sha256(pads.outer + hashlib.sha256(pads.inner + identifier.encode()).digest()).hexdigest()
    assert by_pads == pseudonym(settings, identifier)


def test_unknown_stays_unknown() -> None:
    assert pseudonym(Settings(pseudonym_key=SecretStr("k" * 32)), None) is None


def test_another_key_gives_another_pseudonym() -> None:
    first, second = (Settings(pseudonym_key=SecretStr(letter * 32)) for letter in "ab")
    assert pseudonym(first, "4711") != pseudonym(second, "4711")


@given(st.text().filter(lambda value: value.strip("…'")))
def test_what_stands_in_quotes_is_left_out_of_messages(value: str) -> None:
    quoted = value.replace("'", "''")
    assert without_values(f"Conversion Error: Could not convert string '{quoted}' to INT32") == (
        "Conversion Error: Could not convert string '…' to INT32"
    )
