"""Files of a folder: what is still being written waits, what is no file of anybody is not touched."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from filing import file_source, names, shown, take

from wardlake.bronze.readers.files.stores import ChangedError, FolderStore
from wardlake.errors import PermanentError
from wardlake.settings import Settings
from wardlake.sources import Source

ONE = b"id,value\n1,a\n"
TWO = b"id,value\n2,b\n"
HOUR = 3600


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "share"
    path.mkdir()
    return path


def folder_source(folder: Path, **more: Any) -> Source:
    return file_source(connection={"kind": "folder", "path": str(folder)}, **more)


def drop(folder: Path, name: str, content: bytes, age_s: float = HOUR) -> Path:
    """Put a file into the folder as if it had been there for a while."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_files_of_folders_below_are_found_by_their_pattern(settings: Settings, folder: Path) -> None:
    drop(folder, "a.csv", ONE)
    drop(folder, "2026/03/b.csv", TWO)
    drop(folder, "notes.txt", b"no table\n")
    source = folder_source(folder, pattern="*.csv")
    manifest = take(settings, source, 1)
    assert sorted(names(manifest)) == ["2026/03/b.csv", "a.csv"]
    assert shown(settings, source) == [("1", "a", "a.csv"), ("2", "b", "2026/03/b.csv")]


def test_a_file_that_changed_just_now_waits_until_it_has_settled(settings: Settings, folder: Path) -> None:
    source = folder_source(folder, settle_s=600)
    path = drop(folder, "a.csv", b"id,value\n1,", age_s=5)
    assert take(settings, source, 1).arrived is False
    drop(folder, "a.csv", ONE, age_s=601)
    assert names(take(settings, source, 2)) == [path.name]


@pytest.mark.parametrize("name", ["a.csv.part", "a.csv.filepart", "a.TMP", "a.crdownload", ".a.csv", "~$a.csv"])
def test_names_of_unfinished_files_are_left_alone(settings: Settings, folder: Path, name: str) -> None:
    drop(folder, name, b"half of")
    manifest = take(settings, folder_source(folder), 1)
    assert (manifest.taken, manifest.refused) == ([], [])


def test_links_and_pipes_are_not_read(settings: Settings, folder: Path, tmp_path: Path) -> None:
    outside = drop(tmp_path, "outside.csv", ONE)
    (folder / "link.csv").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.csv")
    assert take(settings, folder_source(folder), 1).arrived is False


def test_a_file_that_is_known_by_time_and_size_is_not_copied_again(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder_source(folder)
    drop(folder, "a.csv", ONE)
    take(settings, source, 1)
    monkeypatch.delattr(FolderStore, "fetch")
    assert take(settings, source, 2).arrived is False


def test_a_file_that_changes_while_it_is_copied_is_left_for_later(settings: Settings, folder: Path) -> None:
    path = drop(folder, "a.csv", ONE)
    store = FolderStore(folder, "lab")
    (listed,) = store.list()
    drop(folder, "a.csv", ONE + b"2,b\n", age_s=100)
    with pytest.raises(ChangedError):
        store.fetch(listed, folder / "copy")
    path.unlink()
    with pytest.raises(ChangedError):
        store.fetch(listed, folder / "copy")


def test_a_file_that_grows_all_the_time_is_never_taken_in_part(settings: Settings, folder: Path) -> None:
    path, stop = folder / "a.csv", threading.Event()
    path.write_bytes(b"id,value\n")

    def grow() -> None:
        with path.open("ab", buffering=0) as stream:
            while not stop.is_set():
                stream.write(b"1,a\n" * 100)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        manifest = take(settings, folder_source(folder, settle_s=0), 1)
    finally:
        stop.set()
        writer.join()
    assert (manifest.taken, manifest.refused) == ([], [])


def test_a_folder_that_is_not_there_is_named(settings: Settings, folder: Path) -> None:
    with pytest.raises(PermanentError, match=r"lab: the folder .*/nowhere cannot be listed .* Mount it"):
        take(settings, folder_source(folder / "nowhere"), 1)


def test_a_relative_folder_starts_at_the_projects(settings: Settings, folder: Path, tmp_path: Path) -> None:
    drop(folder, "a.csv", ONE)
    there = settings.model_copy(update={"project_root": tmp_path})
    assert names(take(there, folder_source(Path("share")), 1)) == ["a.csv"]


SNAPSHOT = {"table": {"mode": "snapshot"}}


def test_a_snapshot_that_is_dated_earlier_and_arrives_late_is_taken_and_not_shown(
    settings: Settings, folder: Path
) -> None:
    source = folder_source(folder, **SNAPSHOT)
    drop(folder, "march.csv", TWO)
    take(settings, source, 1)
    drop(folder, "february.csv", ONE, age_s=2 * HOUR)
    assert names(take(settings, source, 2)) == ["february.csv"]
    assert shown(settings, source) == [("2", "b", "march.csv")]


def test_what_a_name_holds_now_stands_for_what_it_held_whatever_its_date(settings: Settings, folder: Path) -> None:
    source = folder_source(folder, **SNAPSHOT)
    for number, (content, age_s) in enumerate(((ONE, 3 * HOUR), (TWO, 2 * HOUR), (ONE, 3 * HOUR)), start=1):
        drop(folder, "now.csv", content, age_s)
        take(settings, source, number)
        assert shown(settings, source) == [("1", "a", "now.csv") if content == ONE else ("2", "b", "now.csv")]
