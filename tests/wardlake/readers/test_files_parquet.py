"""Parquet files keep their types; what is no Parquet is set aside."""

from pathlib import Path

import duckdb
import pytest
from filing import file_source, land, names, reasons, shown, take

from wardlake.settings import Settings

TYPES = {
    "id": "BIGINT",
    "price": "DECIMAL(18,4)",
    "at": "TIMESTAMP WITH TIME ZONE",
    "day": "DATE",
    "codes": "VARCHAR[]",
    "image": "BLOB",
}
ROWS = """
    SELECT
        range AS id, (range / 7)::DECIMAL(18, 4) AS price, TIMESTAMPTZ '2026-03-01 12:00:00+02' AS at,
        DATE '2026-03-01' AS day, ['a', NULL] AS codes, '\\x00\\xFF'::BLOB AS image
    FROM range({})
"""


def parquet(tmp_path: Path, query: str) -> bytes:
    path = tmp_path / "file.parquet"
    duckdb.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def test_columns_keep_their_types_and_rows_their_order(settings: Settings, tmp_path: Path) -> None:
    source = file_source(TYPES, format="parquet")
    land(settings, "a.parquet", parquet(tmp_path, ROWS.format(3)))
    manifest = take(settings, source, 1)
    assert (manifest.source_rows, manifest.refused) == (3, [])
    assert {column.name: column.type for column in manifest.columns if column.name in TYPES} == TYPES
    assert shown(settings, source, "_line, id, price::VARCHAR, codes, image") == [
        (1, 0, "0.0000", ["a", None], b"\0\xff"),
        (2, 1, "0.1429", ["a", None], b"\0\xff"),
        (3, 2, "0.2857", ["a", None], b"\0\xff"),
    ]


def test_of_files_with_other_types_only_those_with_other_values_are_refused(settings: Settings, tmp_path: Path) -> None:
    source = file_source({"id": "INTEGER"}, format="parquet", table={"contract": "evolve"})
    land(settings, "small.parquet", parquet(tmp_path, "SELECT 7::BIGINT AS id"))
    land(settings, "big.parquet", parquet(tmp_path, "SELECT unnest([1, 3000000000])::BIGINT AS id"))
    manifest = take(settings, source, 1)
    assert names(manifest) == ["small.parquet"]
    assert manifest.schema_changes == ["small.parquet: column 'id' is BIGINT, the contract says INTEGER"]
    assert reasons(manifest) == {"big.parquet": "it breaks the contract: column 'id' holds values that are no INTEGER"}
    assert shown(settings, source, "id") == [(7,)]


def test_new_columns_of_two_types_do_not_mix(settings: Settings, tmp_path: Path) -> None:
    source = file_source({"id": "INTEGER"}, format="parquet", table={"contract": "evolve", "new_columns": "none"})
    land(settings, "1.parquet", parquet(tmp_path, "SELECT 1 AS id, 'x' AS extra"))
    land(settings, "2.parquet", parquet(tmp_path, "SELECT 2 AS id, 5 AS extra"))
    told = "cannot be read as parquet: its column 'extra' is INTEGER, and VARCHAR in another file"
    assert reasons(take(settings, source, 1)) == {"2.parquet": told}


@pytest.mark.parametrize("case", ["cut", "text", "empty", "flipped", "lineage"])
def test_what_is_no_parquet_is_set_aside(settings: Settings, tmp_path: Path, case: str) -> None:
    whole = parquet(tmp_path, "SELECT range AS id, md5(range::VARCHAR) AS value FROM range(20000)")
    content = {
        "cut": whole[: len(whole) // 2],
        "text": b"id,value\n1,secret\n",
        "empty": b"",
        "flipped": whole[:200] + bytes(400) + whole[600:],
        "lineage": parquet(tmp_path, "SELECT 1::BIGINT AS id, 'x' AS value, 9 AS _line"),
    }[case]
    land(settings, "bad.parquet", content)
    land(settings, "good.parquet", whole)
    source = file_source({"id": "BIGINT", "value": "VARCHAR"}, format="parquet")
    manifest = take(settings, source, 1)
    assert (names(manifest), list(reasons(manifest))) == (["good.parquet"], ["bad.parquet"])
    assert "secret" not in reasons(manifest)["bad.parquet"]
    assert manifest.lake_rows == 20_000
