"""Bronze for warehouses of AWS: files on S3, manifest and statements of Redshift, partitions of the Glue catalog."""

import json
from dataclasses import replace

import boto3
import duckdb
import pytest

from wardlake.settings import Settings
from wardlake.warehouse import connect
from wardlake.warehouse.athena import PARTITIONS_OF_A_CALL, declare
from wardlake.warehouse.redshift import copy_manifest, table_statements
from wardlake.warehouse.staged import Staged, stage

VISITS = {"DatabaseName": "bronze_clinic", "TableName": "visits"}
ROLE = "arn:aws:iam::123456789012:role/warehouse"


@pytest.fixture
def engine(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A warehouse whose bronze has rows of two batches in one table, and none in another."""
    engine = connect(settings)
    engine.execute("create schema bronze_clinic")
    engine.execute(
        "create view bronze_clinic.visits as select * from (values "
        "(1, 'first', 12.50::decimal(18, 4), timestamptz '2025-03-30 01:00:00+00'), (2, 'first', null, null), "
        "(3, 'second', 1.25::decimal(18, 4), null)) as t (_row_id, _batch_id, price, seen_at)"
    )
    engine.execute("create view bronze_clinic.wards as from bronze_clinic.visits where false")
    return engine


def staged(settings: Settings, engine: duckdb.DuckDBPyConnection, table: str = "visits") -> Staged:
    return stage(engine, "bronze_clinic", table, f"s3://{settings.bucket('landing')}/build/{table}")


def test_the_manifest_lists_every_file_with_its_length(settings: Settings, engine: duckdb.DuckDBPyConnection) -> None:
    entries = json.loads(copy_manifest(staged(settings, engine).parts))["entries"]
    assert all(entry["mandatory"] for entry in entries)
    sizes = engine.execute(
        "select filename, size from read_blob(?) order by all", [[entry["url"] for entry in entries]]
    ).fetchall()
    assert sizes == [(entry["url"], entry["meta"]["content_length"]) for entry in entries]
    # COPY goes by the order of the columns
    assert [
        name
        for name, *_ in engine.execute(
            "describe from read_parquet(?, hive_partitioning = false)", [[entry["url"] for entry in entries]]
        ).fetchall()
    ] == ["_row_id", "_batch_id", "price", "seen_at"]
    rows = engine.execute(
        "select _row_id, _batch_id from read_parquet(?, hive_partitioning = false) order by all",
        [[entry["url"] for entry in entries]],
    )
    assert rows.fetchall() == [(1, "first"), (2, "first"), (3, "second")]


def test_redshift_copies_a_table_by_its_manifest(settings: Settings, engine: duckdb.DuckDBPyConnection) -> None:
    assert table_statements(staged(settings, engine), "s3://lake/visits.manifest", ROLE) == [
        'CREATE SCHEMA IF NOT EXISTS "bronze_clinic"',
        'DROP TABLE IF EXISTS "bronze_clinic"."visits" CASCADE',
        'CREATE TABLE "bronze_clinic"."visits" ("_row_id" INTEGER, "_batch_id" VARCHAR(65535), '
        '"price" DECIMAL(18,4), "seen_at" TIMESTAMP WITH TIME ZONE)',
        'COPY "bronze_clinic"."visits" FROM \'s3://lake/visits.manifest\' '
        f"IAM_ROLE '{ROLE}' FORMAT AS PARQUET MANIFEST",
    ]


def test_a_table_without_rows_is_made_and_not_copied(settings: Settings, engine: duckdb.DuckDBPyConnection) -> None:
    statements = table_statements(staged(settings, engine, "wards"), "s3://lake/wards.manifest", ROLE)
    assert [statement.split()[0] for statement in statements] == ["CREATE", "DROP", "CREATE"]


def test_the_catalog_has_a_partition_for_each_batch(settings: Settings, engine: duckdb.DuckDBPyConnection) -> None:
    secret = settings.s3_secret_access_key
    assert secret is not None
    glue = boto3.client(
        "glue",
        endpoint_url=settings.s3_endpoint_url,
        region_name="eu-central-1",
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=secret.get_secret_value(),
    )
    whole = staged(settings, engine)
    many = {f"batch {number}": f"{whole.folder}/{number}" for number in range(PARTITIONS_OF_A_CALL + 1)}
    declare(glue, replace(whole, batches=many))
    assert len(list(glue.get_paginator("get_partitions").paginate(**VISITS).search("Partitions"))) == len(many)
    declare(glue, whole)  # in place of the former
    found = glue.get_partitions(**VISITS)["Partitions"]
    assert [partition["Values"] for partition in found] == [["first"], ["second"]]
    location = found[1]["StorageDescriptor"]["Location"]
    assert engine.execute(f"select _row_id from '{location}/*.parquet'").fetchall() == [(3,)]
    table = glue.get_table(DatabaseName="bronze_clinic", Name="visits")["Table"]
    assert [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]] == [
        ("_row_id", "int"),
        ("price", "decimal(18,4)"),
        ("seen_at", "timestamp"),
    ]
