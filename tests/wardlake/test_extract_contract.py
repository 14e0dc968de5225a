"""A table that has changed at the source, read under each contract with the figures of both sides compared."""

import psycopg
import pytest
from clinic import DAY, ward_source

from wardlake.bronze import extract_table
from wardlake.settings import Settings


@pytest.fixture
def ward(database: str) -> str:
    """A database whose beds have become text, and whose wards have a new column."""
    with psycopg.connect(database) as connection:
        connection.execute("create schema adt")
        connection.execute("create table adt.ward (ward_cd text, beds text, floor integer)")
        connection.execute("insert into adt.ward values ('A', '12', 1), ('B', null, 2)")
    return database


@pytest.mark.parametrize(
    ("contract", "beds", "columns"),
    [
        ({"contract": "freeze"}, "VARCHAR", ["ward_cd", "beds"]),
        ({"contract": "evolve", "new_columns": "none"}, "INTEGER", ["ward_cd", "beds", "floor"]),
    ],
    ids=["freeze", "evolve"],
)
def test_a_column_that_is_left_out_or_cast_does_not_part_source_and_lake(
    settings: Settings, ward: str, contract: dict[str, str], beds: str, columns: list[str]
) -> None:
    source = ward_source(ward_cd="VARCHAR", beds=beds)
    table = source.tables["ward"].model_copy(update=contract)
    changed = source.model_copy(update={"tables": {"ward": table}})
    manifest = extract_table(settings, changed, "ward", DAY, ward).manifest
    assert manifest.lake_rows == 2
    assert manifest.checksum
    assert [column.name for column in manifest.columns] == columns
