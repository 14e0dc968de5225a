"""Which files a batch takes: each content once, new content under a known name as a new version, broken ones later."""

import json
from collections.abc import Callable
from io import BytesIO
from zipfile import ZipFile

import pytest
from filing import PREFIX, day, file_source, land, names, reasons, shown, take

from wardlake.bronze import Backfill, backfill_table, batches
from wardlake.bronze.manifest import MANIFEST, batch_prefix
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings

ONE = b"id,value\n1,a\n"
TWO = b"id,value\n2,b\n"
BROKEN = b"id,value\n1,a,secret\n"


def zipped(**members: bytes) -> bytes:
    stream = BytesIO()
    with ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.csv", content)
    return stream.getvalue()


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys that were fetched from the landing bucket, as it goes on."""
    keys: list[str] = []
    download: Callable[..., bool] = Lake.download_version

    def noted(self: Lake, bucket: str, key: str, *rest: object) -> bool:
        keys.append(key)
        return download(self, bucket, key, *rest)

    monkeypatch.setattr(Lake, "download_version", noted)
    return keys


def test_nothing_new_is_an_empty_batch_in_which_nothing_arrived(settings: Settings) -> None:
    manifest = take(settings, file_source(), 1)
    assert (manifest.arrived, manifest.lake_rows, manifest.taken) == (False, 0, [])


def test_content_under_a_new_name_is_known_and_looked_at_once(settings: Settings, fetched: list[str]) -> None:
    source = file_source()
    land(settings, "a.csv", ONE)
    take(settings, source, 1)
    land(settings, "b.csv", ONE)
    land(settings, "c.csv", TWO)
    assert names(take(settings, source, 2)) == ["c.csv"]
    fetched.clear()
    assert take(settings, source, 3).arrived is False
    assert fetched == []
    assert shown(settings, source) == [("1", "a", "a.csv"), ("2", "b", "c.csv")]


def test_the_same_content_twice_in_one_delivery_is_taken_once(settings: Settings) -> None:
    land(settings, "a.csv", ONE)
    land(settings, "b.csv", ONE)
    assert len(take(settings, file_source(), 1).taken) == 1


def test_new_content_under_a_known_name_replaces_the_old(settings: Settings) -> None:
    source = file_source()
    land(settings, "a.csv", ONE)
    land(settings, "b.csv", b"id,value\n9,z\n")
    take(settings, source, 1)
    land(settings, "a.csv", TWO)
    take(settings, source, 2)
    assert shown(settings, source) == [("2", "b", "a.csv"), ("9", "z", "b.csv")]


def test_new_content_under_a_known_name_can_add_to_the_old(settings: Settings) -> None:
    source = file_source(versions="keep")
    for number, content in enumerate((ONE, TWO, ONE), start=1):
        land(settings, "a.csv", content)
        take(settings, source, number)
    assert shown(settings, source) == [("1", "a", "a.csv"), ("2", "b", "a.csv")]


def test_an_old_version_that_comes_back_is_shown_again(settings: Settings) -> None:
    source = file_source()
    for number, content in enumerate((ONE, TWO, ONE, ONE, TWO), start=1):
        land(settings, "a.csv", content)
        take(settings, source, number)
        assert shown(settings, source) == [("1", "a", "a.csv") if content == ONE else ("2", "b", "a.csv")]
    assert [len(manifest.taken) for manifest in batches(settings, Lake(settings), "lab", "result")] == [1, 1, 0, 0, 0]


def test_the_newest_version_is_the_one_that_was_taken_last_whatever_its_window(settings: Settings) -> None:
    source = file_source()
    land(settings, "a.csv", ONE)
    take(settings, source, 2)
    land(settings, "a.csv", TWO)
    take(settings, source, 1)
    assert shown(settings, source) == [("2", "b", "a.csv")]


def test_of_a_snapshot_the_youngest_file_is_the_whole_table(settings: Settings) -> None:
    source = file_source(table={"mode": "snapshot"})
    for number, (name, content) in enumerate((("1.csv", ONE), ("2.csv", TWO), ("3.csv", ONE)), start=1):
        land(settings, name, content)
        take(settings, source, number)
        assert {row[2] for row in shown(settings, source)} == {name}
    assert take(settings, source, 4).arrived is False
    assert shown(settings, source) == [("1", "a", "3.csv")]


def test_a_manifest_from_before_names_were_recorded_is_read_and_its_files_are_looked_at_again(
    settings: Settings, lake: Lake
) -> None:
    source, bucket = file_source(), settings.bucket("bronze")
    land(settings, "a.csv", ONE)
    land(settings, "b.csv", ONE)
    first = take(settings, source, 1)
    stored = first.model_dump(mode="json")
    assert [file["name"] for file in stored.pop("held")] == ["b.csv"]
    lake.put(bucket, batch_prefix("lab", "result", first.batch_id) + MANIFEST, json.dumps(stored).encode())
    assert [file.name for file in take(settings, source, 2).held] == ["b.csv"]
    assert take(settings, source, 3).held == []
    land(settings, "a.csv", TWO)
    take(settings, source, 4)
    assert shown(settings, source) == [("1", "a", "b.csv"), ("2", "b", "a.csv")]


def test_a_backfill_keeps_a_content_that_only_another_name_still_holds(settings: Settings, lake: Lake) -> None:
    source, landing = file_source(), settings.bucket("landing")
    for number, (name, content) in enumerate((("a.csv", ONE), ("b.csv", ONE), ("a.csv", TWO)), start=1):
        land(settings, name, content)
        take(settings, source, number)
    lake.delete(landing, PREFIX + "b.csv")
    with pytest.raises(PermanentError, match=r"1 files of the batches .* can no longer be read, b\.csv"):
        backfill_table(settings, source, "result", Backfill("second day", day(2)))
    land(settings, "b.csv", ONE)
    for number in (2, 1):
        backfill_table(settings, source, "result", Backfill("again", day(number)))
        assert sorted(row[0] for row in shown(settings, source)) == ["1", "2"]


@pytest.mark.parametrize("is_rehearsal", [True, False])
def test_a_backfill_that_ends_without_a_batch_leaves_new_files_to_others(
    settings: Settings, lake: Lake, is_rehearsal: bool
) -> None:
    source = file_source(source={"concurrent": True})
    land(settings, "a.csv", ONE)
    take(settings, source, 1)
    land(settings, "b.csv", TWO)
    if is_rehearsal:
        backfill_table(settings, source, "result", Backfill("try", day(1)), is_rehearsal=True)
    else:
        lake.delete(settings.bucket("landing"), PREFIX + "a.csv")
        with pytest.raises(PermanentError, match="can no longer be read"):
            backfill_table(settings, source, "result", Backfill("try", day(1)))
    assert names(take(settings, source, 2)) == ["b.csv"]


def test_members_of_archives_are_versions_by_archive_and_member(settings: Settings) -> None:
    source = file_source(compression="zip", pattern="*.zip")
    land(settings, "x.zip", zipped(a=ONE, b=TWO))
    land(settings, "y.zip", zipped(a=b"id,value\n8,y\n"))
    assert names(take(settings, source, 1)) == ["x.zip/a.csv", "x.zip/b.csv", "y.zip/a.csv"]
    land(settings, "x.zip", zipped(a=b"id,value\n3,c\n", b=TWO))
    assert names(take(settings, source, 2)) == ["x.zip/a.csv"]
    assert shown(settings, source) == [
        ("2", "b", "x.zip/b.csv"),
        ("3", "c", "x.zip/a.csv"),
        ("8", "y", "y.zip/a.csv"),
    ]


def test_a_broken_file_does_not_stop_the_others_and_shows_no_value(settings: Settings, lake: Lake) -> None:
    source, bucket = file_source(), settings.bucket("bronze")
    land(settings, "a.csv", ONE)
    land(settings, "sub/broken.csv", BROKEN)
    manifest = take(settings, source, 1)
    assert names(manifest) == ["a.csv"]
    told = "cannot be read as csv: line 2 has another number of columns than the header"
    assert reasons(manifest) == {"sub/broken.csv": told}
    key = manifest.refused[0].key
    assert key == f"bronze/lab/result/_set_aside/{manifest.refused[0].sha256}/sub/broken.csv"
    assert lake.get(bucket, key) == BROKEN
    reason = lake.get(bucket, key.removesuffix("sub/broken.csv") + "reason.json").decode()
    assert told in reason
    assert "secret" not in reason + manifest.model_dump_json()


def test_a_broken_file_is_tried_again_and_taken_when_the_yaml_is_right(settings: Settings, lake: Lake) -> None:
    land(settings, "a.csv", b"id;value\n1;a\n")
    for number in (1, 2):
        assert list(reasons(take(settings, file_source(), number))) == ["a.csv"]
    corrected = file_source(delimiter=";")
    manifest = take(settings, corrected, 3)
    assert (names(manifest), manifest.refused) == (["a.csv"], [])
    assert len(lake.list(settings.bucket("bronze"), "bronze/lab/result/_set_aside/")) == 2
    assert shown(settings, corrected) == [("1", "a", "a.csv")]


def test_of_two_broken_files_alike_the_one_that_stays_is_tried_again(settings: Settings, lake: Lake) -> None:
    land(settings, "a.csv", b"id;value\n1;a\n")
    land(settings, "b.csv", b"id;value\n1;a\n")
    assert len(reasons(take(settings, file_source(), 1))) == 1
    lake.delete(settings.bucket("landing"), PREFIX + "a.csv")
    assert names(take(settings, file_source(delimiter=";"), 2)) == ["b.csv"]


def test_a_file_that_fails_while_it_is_read_is_set_aside_all_the_same(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wardlake.bronze.readers.files.delimited._check", lambda *_: None)
    land(settings, "a.csv", ONE)
    land(settings, "b.csv", b'id,value\n1,"a "secret" b"\n')
    source = file_source()
    manifest = take(settings, source, 1)
    assert reasons(manifest) == {"b.csv": "its rows cannot be read (InvalidInputException)"}
    assert shown(settings, source) == [("1", "a", "a.csv")]


def test_a_file_of_which_fewer_rows_arrive_than_were_counted_is_set_aside(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wardlake.bronze.readers.files.delimited._check", lambda *_: None)
    monkeypatch.setattr("wardlake.bronze.readers.files.delimited._count", lambda _, path, *__: path.stat().st_size // 4)
    land(settings, "a.csv", ONE)
    land(settings, "b.csv", b"id,value\n7,cdefgh\n")
    manifest = take(settings, file_source(), 1)
    assert reasons(manifest) == {"b.csv": "1 rows were read, and 2 counted"}
    assert (names(manifest), manifest.source_rows, manifest.lake_rows) == (["a.csv"], 1, 1)


def test_the_contract_is_kept_by_each_file_and_changes_name_the_file(settings: Settings) -> None:
    land(settings, "1.csv", b"id,value,note\n1,a,x\n")
    land(settings, "2.csv", b"value,id\nb,2\n")
    land(settings, "3.csv", b"id\n3\n")
    manifest = take(settings, file_source(table={"contract": "freeze"}), 1)
    assert manifest.schema_changes == [
        "1.csv: column 'note' is new and was left out",
        "2.csv: the columns are in another order",
    ]
    assert reasons(manifest) == {"3.csv": "cannot be read as csv: it breaks the contract: column 'value' is missing"}


def test_new_columns_of_some_files_are_taken_and_null_in_the_others(settings: Settings) -> None:
    source = file_source(table={"contract": "evolve", "new_columns": "quasi"})
    land(settings, "1.csv", b"id,value,note\n1,a,x\n")
    land(settings, "2.csv", b"id\n2\n")
    manifest = take(settings, source, 1)
    assert [column.name for column in manifest.columns] == ["id", "value", "note", "_file", "_line"]
    assert "1.csv: column 'note' is new, of type VARCHAR, and was taken as quasi" in manifest.schema_changes
    assert shown(settings, source) == [("1", "a", "1.csv"), ("2", None, "2.csv")]


def test_many_small_files_become_few_parts(settings: Settings) -> None:
    for number in range(210):
        land(settings, f"{number:03d}.csv", f"id,value\n{number},a\n{number},b\n".encode())
    source = file_source()
    manifest = take(settings, source, 1)
    assert (len(manifest.taken), len(manifest.files), manifest.lake_rows) == (210, 2, 420)
    rows = shown(settings, source, "_file, id, _line")
    assert rows == [(f"{number:03d}.csv", str(number), line) for number in range(210) for line in (2, 3)]


def test_a_backfill_takes_the_files_of_its_window_again(settings: Settings) -> None:
    source = file_source()
    land(settings, "a.csv", ONE)
    take(settings, source, 1)
    land(settings, "b.csv", TWO)
    take(settings, source, 2)
    again = backfill_table(settings, source, "result", Backfill("again", day(1))).manifest
    assert names(again) == ["a.csv"]
    assert shown(settings, source) == [("1", "a", "a.csv"), ("2", "b", "b.csv")]


def test_a_backfill_that_would_lose_a_file_is_refused(settings: Settings) -> None:
    source = file_source()
    land(settings, "a.csv", ONE)
    take(settings, source, 1)
    Lake(settings).delete(settings.bucket("landing"), PREFIX + "a.csv")
    with pytest.raises(PermanentError, match=r"lab\.result.*1 files of the batches .* can no longer be read, a\.csv"):
        backfill_table(settings, source, "result", Backfill("again", day(1)))
    assert shown(settings, source) == [("1", "a", "a.csv")]
