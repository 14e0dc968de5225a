"""Extraction into bronze, from a real PostgreSQL server and real files in a real S3 server."""

import psycopg
import pytest
from clinic import DAY, NEXT_DAY, create_wards, price_source, ward_source

from wardlake.bronze import current_batches, extract_table
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect


def rows_of(settings: Settings, source: Source, table: str, columns: str) -> list[tuple[object, ...]]:
    manifests = current_batches(settings, Lake(settings), source, table)
    files = [Lake.url(settings.bucket("bronze"), file.key) for manifest in manifests for file in manifest.files]
    with connect(settings) as engine:
        return engine.execute(f"select {columns} from read_parquet({files}) order by _batch_id, _row_id").fetchall()


def test_a_table_becomes_one_batch_whose_counts_agree(settings: Settings, database: str) -> None:
    create_wards(database)
    source = ward_source()
    extraction = extract_table(settings, source, "ward", DAY, database)
    assert extraction.is_new
    assert (extraction.manifest.source_rows, extraction.manifest.lake_rows) == (3, 3)
    assert rows_of(settings, source, "ward", "_row_id, ward_cd, beds, rate::varchar") == [
        (1, "W1", 10, None),
        (2, "W2", 20, "0.5000000000"),
        (3, "W3", 0, "12.2500000000"),
    ]


def test_a_retry_is_the_same_batch_though_the_source_went_on(settings: Settings, database: str) -> None:
    create_wards(database)
    source = ward_source()
    first = extract_table(settings, source, "ward", DAY, database)
    with psycopg.connect(database) as connection:
        connection.execute("delete from adt.ward")
    again = extract_table(settings, source, "ward", DAY, database)
    assert not again.is_new
    assert again.manifest == first.manifest
    next_day = extract_table(settings, source, "ward", NEXT_DAY, database)
    assert next_day.manifest.lake_rows == 0
    assert current_batches(settings, Lake(settings), source, "ward") == [next_day.manifest]


def test_a_column_that_nobody_classed_is_refused_and_nothing_is_committed(settings: Settings, database: str) -> None:
    create_wards(database)
    source = ward_source(ward_cd="VARCHAR", beds="BIGINT", floor="INTEGER")
    with pytest.raises(PermanentError) as raised:
        extract_table(settings, source, "ward", DAY, database)
    message = str(raised.value)
    assert "clinic.ward" in message
    assert "'rate' is new and has no PII class" in message
    assert "'floor' is missing" in message
    assert "'beds' is INTEGER, the contract says BIGINT" in message
    assert current_batches(settings, Lake(settings), source, "ward") == []


def test_files_are_taken_once_by_content(settings: Settings, lake: Lake) -> None:
    source, bucket = price_source(), settings.bucket("landing")
    lake.client.put_object(
        Bucket=bucket, Key="pharmacy/price_1.csv", Body=b'\xef\xbb\xbfnote\nDrug;Price\nA;1\nB;"2;5"\n'
    )
    lake.client.put_object(Bucket=bucket, Key="pharmacy/other.csv", Body=b"no;price\n")
    first = extract_table(settings, source, "price", DAY)
    assert [(file.name, file.rows, file.byte_order_mark) for file in first.manifest.taken] == [("price_1.csv", 2, True)]
    lake.client.put_object(
        Bucket=bucket, Key="pharmacy/price_2.csv", Body=b'\xef\xbb\xbfnote\nDrug;Price\nA;1\nB;"2;5"\n'
    )
    lake.client.put_object(Bucket=bucket, Key="pharmacy/price_3.csv", Body=b"note\nDrug;Price\nA;3\n")
    second = extract_table(settings, source, "price", NEXT_DAY)
    assert [file.name for file in second.manifest.taken] == ["price_3.csv"]
    assert rows_of(settings, source, "price", '"Drug", "Price", _file, _line') == [
        ("A", "1", "price_1.csv", 3),
        ("B", "2;5", "price_1.csv", 4),
        ("A", "3", "price_3.csv", 3),
    ]


def test_a_file_with_another_header_is_named_and_set_aside(settings: Settings, lake: Lake) -> None:
    lake.client.put_object(
        Bucket=settings.bucket("landing"), Key="pharmacy/price_1.csv", Body=b"note\nDrug;Cost\nsecret;1\n"
    )
    manifest = extract_table(settings, price_source(), "price", DAY).manifest
    (refused,) = manifest.refused
    assert refused.name == "price_1.csv"
    assert refused.reason == (
        "cannot be read as csv: it breaks the contract: column 'Price' is missing; "
        "column 'Cost' is new and has no PII class"
    )
