"""Whatever is changed in bronze behind its manifests is named, and nothing else is."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import psycopg
import pytest
from clinic import DAY, create_wards, ward_source
from pharmacy import Pharmacy, PutForward

from wardlake.bronze import extract_table
from wardlake.bronze.clean import clean_table
from wardlake.bronze.compact import compact_table
from wardlake.bronze.manifest import MANIFEST, Manifest, batch_prefix
from wardlake.bronze.verify import Verified, verify_table
from wardlake.errors import PassingError, PermanentError
from wardlake.settings import Settings

Alter = Callable[[Path], None]


def verify(pharmacy: Pharmacy, batch: str | None = None) -> Verified:
    return verify_table(pharmacy.settings, pharmacy.source, "price", batch)


def problems(verified: Verified) -> dict[str, str]:
    return {one.id: "; ".join(one.problems) for one in verified.checked if one.problems}


def alter(pharmacy: Pharmacy, manifest: Manifest, folder: Path, how: Alter) -> None:
    bucket, key, path = pharmacy.settings.bucket("bronze"), manifest.files[0].key, folder / "part.parquet"
    pharmacy.lake.download(bucket, key, path)
    how(path)
    pharmacy.lake.upload(path, bucket, key)


def alter_manifest(pharmacy: Pharmacy, manifest: Manifest, **changed: object) -> None:
    body = manifest.model_dump(mode="json") | changed
    pharmacy.put(batch_prefix("pharmacy", "price", manifest.batch_id) + MANIFEST, json.dumps(body).encode())


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[20] ^= 0xFF
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def rewrite(query: str) -> Alter:
    def write(path: Path) -> None:
        with duckdb.connect() as engine:
            engine.execute(f"CREATE TABLE part AS FROM '{path}'")
            engine.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")

    return write


def test_untouched_batches_are_whole(pharmacy: Pharmacy) -> None:
    delivered = pharmacy.deliver(0, 1, 2)
    verified = verify(pharmacy)
    assert verified.is_whole
    assert verified.orphans == []
    assert [(one.id, one.rows, one.bytes) for one in verified.checked] == [
        (one.batch_id, one.lake_rows, one.bytes) for one in delivered
    ]


def test_a_table_of_many_types_is_whole(settings: Settings, database: str) -> None:
    create_wards(database)
    with psycopg.connect(database) as connection:
        connection.execute(
            "alter table adt.ward add id uuid default gen_random_uuid(), add seen timestamptz default now(), "
            "add at time default localtime, add share float8 default 0.1, add open boolean, add day date"
        )
    source = ward_source(
        ward_cd="VARCHAR",
        beds="INTEGER",
        rate="DECIMAL(38,10)",
        id="UUID",
        seen="TIMESTAMP WITH TIME ZONE",
        at="TIME",
        share="DOUBLE",
        open="BOOLEAN",
        day="DATE",
    )
    extract_table(settings, source, "ward", DAY, database)
    assert problems(verify_table(settings, source, "ward")) == {}


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (flip_a_byte, "another content"),
        (truncate, "has .* bytes, the manifest says"),
        (rewrite("FROM part UNION ALL FROM part LIMIT 4"), "has 4 rows, the manifest says 3.*_row_id is not unique"),
        (rewrite("SELECT * EXCLUDE (Price) FROM part"), "other columns than the manifest: Price"),
        (rewrite("SELECT * REPLACE ('other' AS _batch_id) FROM part"), "3 rows carry the id of another batch"),
    ],
)
def test_an_altered_object_is_named(pharmacy: Pharmacy, tmp_path: Path, how: Alter, told: str) -> None:
    delivered = pharmacy.deliver(0, 1, 2)
    alter(pharmacy, delivered[1], tmp_path, how)
    found = problems(verify(pharmacy))
    assert list(found) == [delivered[1].batch_id]
    assert delivered[1].files[0].key.rpartition("/")[2] in found[delivered[1].batch_id]
    assert re.search(told, found[delivered[1].batch_id])


def test_a_deleted_object_is_named(pharmacy: Pharmacy) -> None:
    first, second = pharmacy.deliver(0, 1)
    pharmacy.lake.delete_all(pharmacy.settings.bucket("bronze"), [first.files[0].key])
    assert problems(verify(pharmacy)) == {first.batch_id: f"{first.files[0].key.rpartition('/')[2]} is missing"}
    assert problems(verify(pharmacy, second.batch_id)) == {}


def test_a_manifest_with_another_count_is_named(pharmacy: Pharmacy) -> None:
    first, second = pharmacy.deliver(0, 1)
    alter_manifest(pharmacy, first, lake_rows=4)
    files = [second.files[0].model_dump() | {"rows": 5}]
    alter_manifest(pharmacy, second, files=files, lake_rows=5, source_rows=5)
    found = problems(verify(pharmacy))
    assert re.search("its files have 3 rows, the manifest says 4", found[first.batch_id])
    assert re.search("3 rows of the source, 4 in the lake", found[first.batch_id])
    assert re.search("has 3 rows, the manifest says 5", found[second.batch_id])


def test_one_batch_is_found_by_the_beginning_of_its_id(pharmacy: Pharmacy) -> None:
    delivered = pharmacy.deliver(0, 1)
    (one,) = verify(pharmacy, delivered[1].batch_id[:10]).checked
    assert one.id == delivered[1].batch_id
    with pytest.raises(PermanentError, match=r"pharmacy\.price has 2 batches whose id begins with '2026'"):
        verify(pharmacy, "2026")
    with pytest.raises(PermanentError, match="has no batches"):
        verify(pharmacy, "1999")


def test_parts_that_no_manifest_names_are_orphans_and_no_error(pharmacy: Pharmacy) -> None:
    (delivered,) = pharmacy.deliver(0)
    killed = batch_prefix("pharmacy", "price", "20260105T000000Z-000000000000") + "part-11111111-00000-000.parquet"
    beside = batch_prefix("pharmacy", "price", delivered.batch_id) + "part-22222222-00000-000.parquet"
    pharmacy.put(killed, b"half")
    pharmacy.put(beside, b"half")
    verified = verify(pharmacy)
    assert verified.is_whole
    assert [entry.key for entry in verified.orphans] == sorted([killed, beside])


def test_a_compaction_is_checked_instead_of_deleted_files(
    pharmacy: Pharmacy, put_forward: PutForward, tmp_path: Path
) -> None:
    delivered = pharmacy.deliver(*range(6))
    (done,) = compact_table(pharmacy.settings, pharmacy.source, "price", timedelta(seconds=-2))
    assert problems(verify(pharmacy)) == {}
    put_forward(timedelta(days=8))
    clean_table(pharmacy.settings, pharmacy.source, "price", [])
    verified = verify(pharmacy)
    assert verified.is_whole
    assert verified.orphans == []
    place = pharmacy.batches()[0].compaction
    assert place is not None
    less_one = rewrite(f"FROM part WHERE _row_id <> 1 OR _batch_id <> '{delivered[2].batch_id}'")
    alter(pharmacy, delivered[2].model_copy(update={"files": place.files}), tmp_path, less_one)
    found = problems(verify(pharmacy, delivered[2].batch_id))
    assert list(found) == [done.compaction_id]
    assert re.search(f"{delivered[2].batch_id} has 2 rows, its manifest says 3", found[done.compaction_id])


def test_a_store_that_is_down_says_nothing_about_the_batches(pharmacy: Pharmacy) -> None:
    pharmacy.deliver(0)
    unreachable = pharmacy.settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"})
    with pytest.raises(PassingError):
        verify_table(unreachable, pharmacy.source, "price")


def test_no_value_of_the_data_is_told(pharmacy: Pharmacy, tmp_path: Path) -> None:
    delivered = pharmacy.deliver(0)
    alter(pharmacy, delivered[0], tmp_path, rewrite("SELECT * REPLACE ('SECRET' AS Drug) FROM part LIMIT 2"))
    found = problems(verify(pharmacy))
    assert found
    assert "SECRET" not in str(found)
    assert "D0-0" not in str(found)
