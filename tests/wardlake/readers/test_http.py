"""Addresses as Airflow writes them, and JSON that is cut short."""

import json
from dataclasses import replace
from typing import Literal

import pytest
from airflow.sdk import Connection
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, Struct

from wardlake.bronze.readers.http import TryAgainError, decode
from wardlake.bronze.readers.http_address import address_of
from wardlake.errors import PermanentError


class Bundle(Struct):
    """A document that has to be a Bundle."""

    kind: Literal["Bundle"]


SECRETS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)


@pytest.mark.parametrize(
    ("parts", "base"),
    [
        ({"host": "https://fhir.example/base"}, "https://fhir.example/base"),
        ({"host": "https://fhir.example", "schema": "fhir/r4"}, "https://fhir.example/fhir/r4"),
        ({"host": "http://fhir.example", "port": 8080, "schema": "r4"}, "http://fhir.example:8080/r4"),
        ({"host": "fhir.example", "port": 8443, "schema": "https"}, "https://fhir.example:8443"),
        ({"host": "fhir.example", "schema": "r4", "extra": '{"note": "a@b", "n": 1}'}, "http://fhir.example/r4"),
        ({"host": "::1", "port": 8080}, "http://[::1]:8080"),
    ],
)
@given(login=SECRETS, password=SECRETS)
def test_airflow_addresses_are_understood(parts: dict[str, object], base: str, login: str, password: str) -> None:
    host = f"[{parts['host']}]" if parts["host"] == "::1" else parts["host"]
    connection = Connection(conn_id="x", conn_type="http", **{**parts, "host": host}, login=login, password=password)
    address = address_of(connection.get_uri(), "x")
    assert (address.base, address.login, address.password) == (base, login, password)
    assert repr(address) == repr(replace(address, login="another", password="another"))


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
                    max_leaves=8))  # fmt: skip
def test_json_that_is_cut_short_anywhere_is_told_from_json_that_is_wrong(value: object) -> None:
    for body in (json.dumps([value]).encode(), json.dumps([value], ensure_ascii=False).encode()):
        assert bytes(decode(body, Raw, "JSON", "it")) == body
        for size in range(len(body)):
            with pytest.raises(TryAgainError, match="cut short"):
                decode(body[:size], Raw, "JSON", "it")
        with pytest.raises(PermanentError, match=r"it sent something that is no JSON \(.*trailing characters"):
            decode(body + b"]", Raw, "JSON", "it")


@given(st.text())
def test_what_is_no_allowed_word_is_not_shown(word: str) -> None:
    with pytest.raises(PermanentError) as raised:
        decode(json.dumps({"kind": f"Meier {word}"}).encode(), Bundle, "Bundle", "it")
    assert "sent something that is no Bundle (Invalid enum value - at `$.kind`)" in str(raised.value)
