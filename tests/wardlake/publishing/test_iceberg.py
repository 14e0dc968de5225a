"""Gold as Iceberg tables: time travel, expiry, changed columns, and the catalogs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from publishing_warehouse import new_build, record_of
from pydantic import SecretStr
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchTableError

from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.publish import Publication, publish
from wardlake.publishing import iceberg
from wardlake.settings import Settings


def published(settings: Settings, number: int, tables: dict[str, str] | None = None) -> Publication:
    new_build(settings, number, tables)
    return publish(settings)


def numbers(settings: Settings, name: str = "census", **scan: Any) -> set[int]:
    """The builds whose rows a table shows."""
    rows = iceberg.open_catalog(settings).load_table(("gold", name)).scan(**scan).to_arrow()
    return set(rows["build"].to_pylist())


def test_a_former_publication_can_be_read_by_its_tag_and_by_its_record(settings: Settings) -> None:
    first, second = published(settings, 1), published(settings, 2)
    table = iceberg.open_catalog(settings).load_table(("gold", "census"))
    for number, publication in ((1, first), (2, second)):
        of_tag = table.metadata.refs[publication.publication_id].snapshot_id
        of_record = record_of(settings, publication.publication_id)["tables"]["census"]["snapshot_id"]
        assert of_tag == of_record
        assert numbers(settings, snapshot_id=of_tag) == {number}
    assert numbers(settings) == {2}


def test_time_travel_never_meets_an_empty_table(settings: Settings) -> None:
    for number in (1, 2):
        published(settings, number)
    table = iceberg.open_catalog(settings).load_table(("gold", "census"))
    assert [table.scan(snapshot_id=entry.snapshot_id).to_arrow().num_rows for entry in table.history()] == [500, 500]


def test_changed_columns_show_with_the_publication_and_former_ones_keep_theirs(settings: Settings) -> None:
    first = published(settings, 1, {"notes": "select 1::bigint as build, 'a' as note, 2::integer as gone"})
    published(settings, 2, {"notes": "select date '2026-01-01' as note, 2::bigint as build, true as more"})
    table = iceberg.open_catalog(settings).load_table(("gold", "notes"))
    schema = table.scan().to_arrow().schema
    assert {field.name: field.type for field in schema} == {
        "build": pa.int64(),
        "note": pa.date32(),
        "more": pa.bool_(),
    }
    former = table.scan(snapshot_id=table.metadata.refs[first.publication_id].snapshot_id).to_arrow()
    assert former.to_pylist() == [{"build": 1, "note": "a", "gone": 2}]


def test_nothing_is_seen_before_all_tables_are_written(settings: Settings) -> None:
    published(settings, 1)
    new_build(settings, 2, {"strange": "select interval 1 day as span"})
    with pytest.raises(PermanentError, match=r"gold\.strange: a column has a type"):
        publish(settings)
    assert numbers(settings, "census") == numbers(settings, "costs") == {1}


def test_old_publications_and_their_files_are_forgotten(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = published(settings, 1), published(settings, 2)
    bucket, lake = settings.bucket("gold"), Lake(settings)
    broken_off = "gold/census/data/20200101T000000000000Z-0123abcd.parquet"
    for key in (broken_off, "gold/census/data/of-somebody-else.parquet"):
        lake.put(bucket, key, b"")
    later_than_both = datetime.now(UTC) + timedelta(days=31)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return later_than_both.astimezone(tz)

    monkeypatch.setattr(iceberg, "datetime", Later)
    monkeypatch.setattr(Lake, "now", lambda *_: later_than_both)
    third = published(settings, 3)
    table = iceberg.open_catalog(settings).load_table(("gold", "census"))
    assert set(table.metadata.refs) == {"main", third.publication_id}
    assert len(table.snapshots()) == 1
    assert numbers(settings) == {3}
    left = lake.list(bucket, "gold/census/")
    assert [key for key in left if key.endswith(".parquet")] == [
        f"gold/census/data/{third.publication_id}.parquet",
        "gold/census/data/of-somebody-else.parquet",
    ]
    assert len([key for key in left if key.endswith(".avro")]) == 2
    assert first.publication_id < second.publication_id < third.publication_id


def test_a_snapshot_that_somebody_has_tagged_stays(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    published(settings, 1)
    table = iceberg.open_catalog(settings).load_table(("gold", "census"))
    kept = table.metadata.current_snapshot_id
    assert kept
    table.manage_snapshots().create_tag(kept, "annual-report").commit()
    tomorrow = datetime.now(UTC) + timedelta(days=31)
    monkeypatch.setattr(Lake, "now", lambda *_: tomorrow)
    monkeypatch.setattr(iceberg, "timedelta", lambda **_: timedelta(days=-31))
    published(settings, 2)
    assert numbers(settings, snapshot_id=kept) == {1}
    assert numbers(settings) == {2}


def test_tables_that_gold_no_longer_has_leave_and_those_of_others_stay(settings: Settings) -> None:
    published(settings, 1, {"notes": "select 1::bigint as build"})
    catalog = iceberg.open_catalog(settings)
    catalog.create_table(
        ("gold", "mine"), pa.schema([("n", pa.int64())]), location=f"s3://{settings.bucket('gold')}/mine"
    )
    published(settings, 2)
    assert {name for _, name in catalog.list_tables("gold")} == {"census", "costs", "mine"}
    with pytest.raises(NoSuchTableError):
        catalog.load_table(("gold", "notes"))


def test_a_catalog_in_postgres(settings: Settings, database: str) -> None:
    uri = SecretStr(database.replace("postgresql://", "postgresql+psycopg://"))
    for number in (1, 2):
        published(settings.model_copy(update={"catalog_uri": uri}), number)
    assert numbers(settings.model_copy(update={"catalog_uri": uri})) == {2}


def test_glue_shows_what_was_published_to_any_glue_client(settings: Settings) -> None:
    namespace = f"gold_{uuid4().hex[:8]}"
    on_aws = settings.model_copy(
        update={
            "catalog": "glue",
            "glue_endpoint_url": settings.s3_endpoint_url,
            "catalog_namespace": namespace,
        }
    )
    for number in (1, 2):
        published(on_aws, number, {"notes": "select 1::bigint as build"} if number == 1 else None)
    secret = settings.s3_secret_access_key
    assert secret
    access = {
        "endpoint": settings.s3_endpoint_url,
        "region": settings.s3_region,
        "access-key-id": settings.s3_access_key_id,
        "secret-access-key": secret.get_secret_value(),
    }
    glue = load_catalog(
        "reader",
        type="glue",
        **{f"{service}.{name}": value for service in ("s3", "glue") for name, value in access.items()},
    )
    assert {name for _, name in glue.list_tables(namespace)} == {"census", "costs"}
    rows = glue.load_table((namespace, "census")).scan().to_arrow()
    assert set(rows["build"].to_pylist()) == {2}
    assert rows.num_rows == 500
