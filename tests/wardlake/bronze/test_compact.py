"""Compaction: fewer files, the same rows, whoever reads and whatever runs at the same time."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from clinic import DAY, NEXT_DAY, create_wards, ward_source
from pharmacy import Pharmacy, PutForward

from wardlake.bronze import batches, current_batches, current_query, extract_table
from wardlake.bronze import compact as compaction
from wardlake.bronze.clean import clean_table
from wardlake.bronze.compact import compact_table
from wardlake.bronze.manifest import compaction_prefix
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect

NO_AGE = timedelta(seconds=-2)
"""Even batches of this very second are old enough."""
A_WHILE = timedelta(days=8)


def compact(pharmacy: Pharmacy, *, dry_run: bool = False) -> list[compaction.Compacted]:
    return compact_table(pharmacy.settings, pharmacy.source, "price", NO_AGE, dry_run=dry_run)


def clean(pharmacy: Pharmacy) -> dict[str, int]:
    freed = clean_table(pharmacy.settings, pharmacy.source, "price", [])
    return {one.reason: one.objects for one in freed}


def test_rows_stay_the_same_with_their_lineage_in_fewer_files(pharmacy: Pharmacy) -> None:
    delivered = pharmacy.deliver(*range(6))
    before, one_before = pharmacy.rows(), pharmacy.rows(delivered[2].batch_id)
    (done,) = compact(pharmacy)
    assert (done.batches, done.rows) == (6, 18)
    assert pharmacy.rows() == before
    assert pharmacy.rows(delivered[2].batch_id) == one_before
    (part,) = [key for key in pharmacy.objects("compaction_id=") if key.endswith(".parquet")]
    with connect(pharmacy.settings) as engine:
        url = Lake.url(pharmacy.settings.bucket("bronze"), part)
        drugs = engine.execute(f"SELECT Drug FROM '{url}'").fetchall()
    assert drugs == sorted(drugs)


def test_it_is_read_once_the_files_of_its_batches_are_gone(pharmacy: Pharmacy, put_forward: PutForward) -> None:
    delivered = pharmacy.deliver(*range(6))
    before, one_before = pharmacy.rows(), pharmacy.rows(delivered[2].batch_id)
    compact(pharmacy)
    assert clean(pharmacy) == {}
    put_forward(A_WHILE)
    assert clean(pharmacy) == {"files of batches that were compacted": 6}
    assert not [key for key in pharmacy.objects("batch_id=") if key.endswith(".parquet")]
    assert pharmacy.batches() == [
        one.model_copy(update={"compaction": pharmacy.batches()[0].compaction}) for one in delivered
    ]
    assert pharmacy.rows() == before
    assert pharmacy.rows(delivered[2].batch_id) == one_before


def test_files_stay_while_their_compaction_is_not_whole(pharmacy: Pharmacy, put_forward: PutForward) -> None:
    pharmacy.deliver(*range(6))
    compact(pharmacy)
    (part,) = [key for key in pharmacy.objects("compaction_id=") if key.endswith(".parquet")]
    pharmacy.put(part, b"cut")
    put_forward(A_WHILE)
    assert clean(pharmacy) == {}


def test_a_younger_compaction_takes_in_the_batches_of_an_older_one(pharmacy: Pharmacy, put_forward: PutForward) -> None:
    pharmacy.deliver(*range(6))
    (first,) = compact(pharmacy)
    assert compact(pharmacy) == []
    pharmacy.deliver(*range(6, 10))
    before = pharmacy.rows()
    (second,) = compact(pharmacy)
    assert second.batches == 10
    assert pharmacy.rows() == before
    put_forward(A_WHILE)
    assert clean(pharmacy) == {"files of batches that were compacted": 10, "replaced compactions": 2}
    assert pharmacy.objects(f"compaction_id={first.compaction_id}/") == []
    assert pharmacy.rows() == before


def test_young_batches_and_few_batches_are_left_alone(pharmacy: Pharmacy, put_forward: PutForward) -> None:
    pharmacy.deliver(*range(4))
    assert compact(pharmacy) == []
    pharmacy.deliver(4)
    assert compact_table(pharmacy.settings, pharmacy.source, "price") == []
    put_forward(A_WHILE)
    assert [done.batches for done in compact_table(pharmacy.settings, pharmacy.source, "price")] == [5]


def test_a_dry_run_writes_nothing(pharmacy: Pharmacy) -> None:
    pharmacy.deliver(*range(6))
    keys = pharmacy.objects()
    (told,) = compact(pharmacy, dry_run=True)
    assert pharmacy.objects() == keys
    (done,) = compact(pharmacy)
    assert replace(done, bytes_after=0) == told


def test_files_are_as_large_as_is_wanted(pharmacy: Pharmacy, monkeypatch: pytest.MonkeyPatch) -> None:
    delivered = pharmacy.deliver(*range(10))
    monkeypatch.setattr(compaction, "PART_BYTES", 5 * delivered[0].bytes)
    before = pharmacy.rows()
    assert [done.batches for done in compact(pharmacy)] == [5, 5]
    assert pharmacy.rows() == before


def test_batches_with_lost_rows_are_named_and_not_merged(pharmacy: Pharmacy) -> None:
    delivered = pharmacy.deliver(*range(6))
    pharmacy.lake.client.copy_object(
        Bucket=pharmacy.settings.bucket("bronze"),
        Key=delivered[1].files[0].key,
        CopySource={"Bucket": pharmacy.settings.bucket("bronze"), "Key": delivered[3].files[0].key},
    )
    with pytest.raises(PermanentError, match=rf"pharmacy\.price.*{delivered[1].batch_id}.*not committed"):
        compact(pharmacy)
    assert pharmacy.objects("compaction_id=") == []


def test_two_at_once_make_one_compaction(pharmacy: Pharmacy) -> None:
    pharmacy.deliver(*range(6))
    before = pharmacy.rows()
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: compact(pharmacy), range(2)))
    assert {one.compaction_id for some in done for one in some} == {done[0][0].compaction_id}
    assert [key for key in pharmacy.objects("compaction_id=") if key.endswith("_manifest.json")] == [
        compaction_prefix("pharmacy", "price", done[0][0].compaction_id) + "_manifest.json"
    ]
    assert pharmacy.rows() == before


def test_an_incremental_table_shows_the_same_rows_afterwards(settings: Settings, database: str, lake: Lake) -> None:
    create_wards(database)
    with psycopg.connect(database) as connection:
        connection.execute("alter table adt.ward add changed timestamptz default '2026-01-01T10:00Z'")
    source = _changing_wards()
    for day, window in enumerate((DAY, NEXT_DAY)):
        with psycopg.connect(database) as connection:
            connection.execute(
                "update adt.ward set beds = beds + 1, changed = changed + %s * interval '1 day' where ward_cd = 'W1'",
                [day],
            )
        extract_table(settings, source, "ward", window, database)

    def rows() -> list[tuple[object, ...]]:
        query = current_query(settings, source.tables["ward"], current_batches(settings, lake, source, "ward"))
        with connect(settings) as engine:
            return engine.execute(f"SELECT * FROM ({query}) ORDER BY ward_cd").fetchall()

    before = rows()
    assert len(before) == 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "FEWEST", 2)
        (done,) = compact_table(settings, source, "ward", NO_AGE)
    assert (done.batches, done.rows) == (2, sum(one.lake_rows for one in batches(settings, lake, "clinic", "ward")))
    assert rows() == before


def test_snapshots_are_never_merged(settings: Settings, database: str, put_forward: PutForward) -> None:
    create_wards(database)
    extract_table(settings, ward_source(), "ward", DAY, database)
    extract_table(settings, ward_source(), "ward", NEXT_DAY, database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "FEWEST", 1)
        assert compact_table(settings, ward_source(), "ward", NO_AGE) == []
    assert len(batches(settings, Lake(settings), "clinic", "ward")) == 2


def test_readers_count_right_while_files_are_merged_and_deleted(pharmacy: Pharmacy, put_forward: PutForward) -> None:
    """The grace of the cleaning stands for reads that began before; here it ends as soon as they have."""
    pharmacy.deliver(*range(6))
    readers = 3
    begun: Counter[int] = Counter()
    ended: Counter[int] = Counter()
    wrong: list[object] = []
    changed, stop = threading.Condition(), threading.Event()

    def keep_reading(reader: int) -> None:
        while not stop.is_set():
            begun[reader] += 1
            try:
                fewest = 3 * len(pharmacy.batches())
                rows = pharmacy.rows()
                if not fewest <= len(rows) <= 3 * len(pharmacy.batches()) or len({*rows}) != len(rows):
                    wrong.append((fewest, len(rows)))
            except Exception as error:  # noqa: BLE001  whatever a reader meets is what this test is about
                wrong.append(error)
            with changed:
                ended[reader] = begun[reader]
                changed.notify_all()

    def wait_for_reads_under_way() -> None:
        with changed:
            before = dict(begun)
            assert changed.wait_for(lambda: all(ended[reader] > before[reader] for reader in before) or wrong, 60)

    with ThreadPoolExecutor(readers) as pool:
        running = [pool.submit(keep_reading, reader) for reader in range(readers)]
        try:
            compact(pharmacy)
            wait_for_reads_under_way()
            put_forward(A_WHILE)
            clean(pharmacy)
            put_forward(timedelta())
            pharmacy.deliver(*range(6, 11))
            compact(pharmacy)
            wait_for_reads_under_way()
            put_forward(A_WHILE)
            assert clean(pharmacy)
            wait_for_reads_under_way()
        finally:
            stop.set()
        for one in running:
            one.result()
    assert wrong == []
    assert not [key for key in pharmacy.objects("batch_id=") if key.endswith(".parquet")]


def _changing_wards() -> Source:
    plain = ward_source(ward_cd="VARCHAR", beds="INTEGER", rate="DECIMAL(38,10)", changed="TIMESTAMP WITH TIME ZONE")
    described = plain.model_dump(mode="json")
    described["tables"]["ward"] |= {"mode": "incremental", "cursor": {"column": "changed"}}
    return Source.model_validate(described)
