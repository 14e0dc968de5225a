"""Addresses as Airflow writes them, JSON that is cut short, and values that stay as they were spelt."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from airflow.sdk import Connection
from hypothesis import given
from hypothesis import settings as trial
from hypothesis import strategies as st
from msgspec import Raw

from wardlake.bronze.readers.http import TryAgainError, decode
from wardlake.bronze.readers.http_address import address_of
from wardlake.bronze.readers.json_rows import RowsFile, duckdb_path, find
from wardlake.errors import PermanentError
from wardlake.sources.json_path import steps_of

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
    assert not any(secret in repr(address) for secret in (login, password) if len(secret) > 3)


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


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_numbers_keep_their_digits(number: str) -> None:
    assert [bytes(found) for found in find(Raw(f'{{"a": [ {number} ]}}'.encode()), steps_of("$.a[0]"))] == [
        number.encode()
    ]


JSON_TEXT = st.recursive(
    st.sampled_from(["null", "true", "1.10", '"x"', '"\\u00e9\\n"', '""']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{' ,'.join(items)}]")
        | st.dictionaries(st.sampled_from(["a", "b", "c d"]), inner, max_size=3).map(
            lambda members: "{" + ", ".join(f'"{name}" : {value}' for name, value in members.items()) + "}"
        )
    ),
    max_leaves=12,
)
PATHS = st.lists(st.sampled_from([".a", ".b", '["c d"]', "[0]", "[1]", "[-1]", "[*]"]), max_size=3).map(
    lambda steps: "$" + "".join(steps)
)


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@given(document=JSON_TEXT, path=PATHS)
@trial(deadline=None)
def test_paths_lead_where_duckdb_says(engine: duckdb.DuckDBPyConnection, document: str, path: str) -> None:
    steps = steps_of(path)
    found = [json.loads(bytes(value)) for value in find(Raw(document.encode()), steps)]
    ((told,),) = engine.execute(f"SELECT json_extract(?, '{duckdb_path(steps)}')", [document]).fetchall()
    assert found == [json.loads(value) for value in (told if isinstance(told, list) else [told]) if value is not None]


@pytest.mark.parametrize("path", ["", "a", "$a", "$.", "$..a", "$[?(@.a=='x')]", "$.a[1:2]", "$['a", "$.a "])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path of the form"):
        steps_of(path)


def test_rows_come_back_as_they_went(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    columns = {"a": steps_of("$.a"), 'an "odd" name': steps_of("$.b.c"), "all": steps_of("$.d[*].e"), "row": ()}
    rows = RowsFile(tmp_path / "rows.jsonl", columns, "it")
    first = '{"a": "line\\nbreak \\u0000 \\ud83d\\ude00", "b": {"c": 1.10}, "d": [{"e": "x"}, {}, {"e": 2.0}]}'
    rows.append([Raw(first.encode()), Raw(b'{"a": null, "b": [], "d": []}')])
    rows.append([Raw(b'{"a": "' + b"x" * 17 * 1024**2 + b'"}')])
    found = engine.execute(f'SELECT * FROM ({rows.query()}) ORDER BY "wardlake place"').fetchall()
    assert found[0] == ("line\nbreak \0 \U0001f600", "1.10", '["x",2.0]', first, 1)
    assert found[1] == (None, None, None, '{"a": null, "b": [], "d": []}', 2)
    assert len(found[2][0]) == 17 * 1024**2
