"""Cleaning: leftovers go, and nothing that a manifest names or a run still needs."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from clinic import DAY, NEXT_DAY, create_wards, ward_source
from pharmacy import Pharmacy, PutForward

from wardlake.bronze import Manifest, batches, current_batches, extract_table, rows_query
from wardlake.bronze.clean import Freed, clean_home, clean_table
from wardlake.bronze.compact import compact_table
from wardlake.bronze.manifest import MANIFEST, RETIRED, batch_prefix, compaction_prefix
from wardlake.bronze.verify import verify_table
from wardlake.bronze.work import work_folder
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source

KILLED = "20260105T000000Z-000000000000"
A_DAY = timedelta(hours=25)
NOW = timedelta(seconds=-2)
DIGEST = "0" * 64


def clean(pharmacy: Pharmacy, *, dry_run: bool = False) -> dict[str, tuple[int, int]]:
    freed = clean_table(pharmacy.settings, pharmacy.source, "price", [], dry_run=dry_run)
    return {one.reason: (one.objects, one.bytes) for one in freed}


def claim(pharmacy: Pharmacy, batch_id: str, digest: str = DIGEST) -> str:
    key = f"bronze/pharmacy/price/_taken/{digest}.json"
    pharmacy.put(key, json.dumps({"batch_id": batch_id}).encode())
    return key


def test_parts_of_killed_runs_go_after_a_day(pharmacy: Pharmacy, put_forward: PutForward) -> None:
    (delivered,) = pharmacy.deliver(0)
    before = pharmacy.objects()
    killed = batch_prefix("pharmacy", "price", KILLED)
    pharmacy.put(killed + "part-11111111-00000-000.parquet", b"half")
    pharmacy.put(killed + "keys-11111111-00000-000.parquet", b"half")
    pharmacy.put(batch_prefix("pharmacy", "price", delivered.batch_id) + "part-22222222-00000-000.parquet", b"half")
    pharmacy.put(compaction_prefix("pharmacy", "price", KILLED) + "part-33333333-00000.parquet", b"half")
    assert clean(pharmacy) == {}
    put_forward(A_DAY)
    with_leftovers = pharmacy.objects()
    assert clean(pharmacy, dry_run=True) == {"parts of killed runs": (4, 16)}
    assert pharmacy.objects() == with_leftovers
    assert clean(pharmacy) == {"parts of killed runs": (4, 16)}
    assert pharmacy.objects() == before
    assert verify_table(pharmacy.settings, pharmacy.source, "price").is_whole


def test_a_run_that_still_writes_keeps_its_old_parts(pharmacy: Pharmacy, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = batch_prefix("pharmacy", "price", KILLED)
    pharmacy.put(prefix + "part-11111111-00000-000.parquet", b"old")
    pharmacy.put(prefix + "part-11111111-00001-000.parquet", b"new")
    entries = Lake.entries

    def aged(self: Lake, bucket: str, under: str = "") -> object:
        return [
            type(one)(one.key, one.bytes, one.modified_at - A_DAY, one.etag) if "-00000-" in one.key else one
            for one in entries(self, bucket, under)
        ]

    monkeypatch.setattr(Lake, "entries", aged)
    assert clean(pharmacy) == {}


def test_claims_of_batches_that_were_never_committed_go(pharmacy: Pharmacy, put_forward: PutForward) -> None:
    (delivered,) = pharmacy.deliver(0)
    kept = claim(pharmacy, delivered.batch_id, delivered.taken[0].sha256)
    other = claim(pharmacy, delivered.batch_id, "1" * 64)
    lost = claim(pharmacy, KILLED)
    assert clean(pharmacy) == {}
    put_forward(A_DAY)
    assert list(clean(pharmacy)) == ["claims of killed runs"]
    assert pharmacy.objects("_taken/") == sorted([kept, other])
    assert lost not in pharmacy.objects()


def test_a_claim_stays_while_its_batch_is_written(
    pharmacy: Pharmacy, put_forward: PutForward, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = claim(pharmacy, KILLED)
    pharmacy.put(batch_prefix("pharmacy", "price", KILLED) + "part-11111111-00000-000.parquet", b"new")
    entries = Lake.entries

    def aged(self: Lake, bucket: str, under: str = "") -> object:
        return [
            type(one)(one.key, one.bytes, one.modified_at - A_DAY, one.etag) if "_taken" in one.key else one
            for one in entries(self, bucket, under)
        ]

    monkeypatch.setattr(Lake, "entries", aged)
    assert clean(pharmacy) == {}
    assert pharmacy.objects("_taken/") == [kept]


def test_folders_of_killed_processes_go_and_those_of_living_ones_stay(settings: Settings) -> None:
    script = "import sys, os; from pathlib import Path; p = Path(sys.argv[1]) / f'extract-{os.getpid()}-abc'; "
    script += "p.mkdir(parents=True); (p / 'part').write_bytes(b'half')"
    subprocess.run([sys.executable, "-c", script, settings.temp_dir], check=True)
    (left,) = settings.temp_dir.iterdir()
    (settings.temp_dir / "duckdb_temp_storage").mkdir()
    with work_folder(settings, "extract") as mine:
        assert clean_home(settings) == []
        assert clean_home(settings, NOW, dry_run=True) == [Freed("local folders of killed runs", None, 1, 4)]
        assert left.exists()
        assert clean_home(settings, NOW) == [Freed("local folders of killed runs", None, 1, 4)]
        assert sorted(settings.temp_dir.iterdir()) == sorted([mine, settings.temp_dir / "duckdb_temp_storage"])


def test_the_number_of_a_killed_process_may_be_given_away(settings: Settings) -> None:
    folder = settings.temp_dir / f"extract-{os.getpid()}-abc"
    folder.mkdir(parents=True)
    os.utime(folder, (0, 0))
    assert [one.objects for one in clean_home(settings)] == [1]
    assert not folder.exists()


def keeping(source: Source, table: str, **changed: object) -> Source:
    described = source.model_dump(mode="json")
    described["tables"][table] |= changed
    return Source.model_validate(described)


@pytest.fixture
def wards(settings: Settings, database: str) -> tuple[Source, Manifest, Manifest]:
    """Two snapshots of a table that is kept for 30 days."""
    create_wards(database)
    source = keeping(ward_source(), "ward", keep_days=30)
    first, second = (extract_table(settings, source, "ward", window, database).manifest for window in (DAY, NEXT_DAY))
    return source, first, second


def test_old_snapshots_are_retired_and_the_newest_never(
    settings: Settings, lake: Lake, wards: tuple[Source, Manifest, Manifest], put_forward: PutForward
) -> None:
    source, first, second = wards
    assert clean_table(settings, source, "ward", []) == []
    put_forward(timedelta(days=31))
    told = clean_table(settings, source, "ward", [], dry_run=True)
    assert lake.exists(settings.bucket("bronze"), first.files[0].key)
    assert clean_table(settings, source, "ward", []) == told
    assert told == [Freed("files of batches that are kept no longer", "clinic.ward", 1, first.bytes)]
    assert lake.list(settings.bucket("bronze"), batch_prefix("clinic", "ward", first.batch_id)) == [
        batch_prefix("clinic", "ward", first.batch_id) + name for name in (MANIFEST, RETIRED)
    ]
    assert current_batches(settings, lake, source, "ward") == [second]
    assert clean_table(settings, source, "ward", []) == []


def test_a_retired_batch_says_when_and_why_and_is_refused_to_readers(
    settings: Settings, lake: Lake, wards: tuple[Source, Manifest, Manifest], put_forward: PutForward
) -> None:
    source, first, second = wards
    put_forward(timedelta(days=31))
    clean_table(settings, source, "ward", [])
    retired = batches(settings, lake, "clinic", "ward")[0]
    assert retired.retirement is not None
    assert retired.retirement.rule == f"a newer snapshot, {second.batch_id}; keep_days: 30"
    with pytest.raises(PermanentError, match=rf"clinic\.ward, batch {first.batch_id}: its files were deleted on"):
        rows_query(settings, source.tables["ward"], [retired])
    verified = verify_table(settings, source, "ward")
    assert verified.is_whole
    assert verified.checked[0].note.startswith("retired on")


def test_a_snapshot_that_a_reader_needs_stays(
    settings: Settings, wards: tuple[Source, Manifest, Manifest], put_forward: PutForward
) -> None:
    source, first, _ = wards
    put_forward(timedelta(days=31))
    assert clean_table(settings, source, "ward", [first.batch_id]) == []
    assert clean_table(settings, source, "ward", None) == []


def test_without_keep_days_nothing_is_retired(
    settings: Settings, wards: tuple[Source, Manifest, Manifest], put_forward: PutForward
) -> None:
    put_forward(timedelta(days=4000))
    assert clean_table(settings, ward_source(), "ward", []) == []


def test_a_cleaning_that_was_killed_is_ended_by_the_next(
    settings: Settings,
    lake: Lake,
    wards: tuple[Source, Manifest, Manifest],
    put_forward: PutForward,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, first, _ = wards
    put_forward(timedelta(days=31))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "delete_all", killed)
        with pytest.raises(KeyboardInterrupt):
            clean_table(settings, source, "ward", [])
    assert lake.exists(settings.bucket("bronze"), first.files[0].key)
    assert [one.objects for one in clean_table(settings, source, "ward", [])] == [1]
    assert not lake.exists(settings.bucket("bronze"), first.files[0].key)


def test_superseded_rows_leave_a_compaction_too(pharmacy: Pharmacy, put_forward: PutForward) -> None:
    delivered = pharmacy.deliver(*range(6))
    keeps = keeping(pharmacy.source, "price", keep_days=30)
    compact_table(pharmacy.settings, keeps, "price", NOW)
    replacement = delivered[2].model_copy(
        update={"batch_id": f"{delivered[2].batch_id}-again", "supersedes": [delivered[2].batch_id], "files": []}
    )
    replacement = replacement.model_copy(update={"source_rows": 0, "lake_rows": 0})
    key = batch_prefix("pharmacy", "price", replacement.batch_id) + MANIFEST
    pharmacy.put(key, replacement.model_dump_json().encode())
    standing = pharmacy.rows()
    assert len(standing) == 15

    for _ in range(2):  # retired and merged without it; then the compaction that held it goes
        put_forward(timedelta(days=31))
        clean_table(pharmacy.settings, keeps, "price", [])
        compact_table(pharmacy.settings, keeps, "price", NOW)
        assert pharmacy.rows() == standing
    (place,) = {one.compaction.compaction_id for one in pharmacy.batches() if one.compaction and not one.retirement}
    parts = [key for key in pharmacy.objects() if key.endswith(".parquet")]
    assert parts
    assert all(key.startswith(compaction_prefix("pharmacy", "price", place)) for key in parts)
    verified = verify_table(pharmacy.settings, keeps, "price")
    assert verified.is_whole
