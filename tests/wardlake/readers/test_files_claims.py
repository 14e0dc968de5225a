"""A content is taken by one batch, also if batches of several windows run at once, die, or come back."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from filing import day, file_source, land, names, shown, take

from wardlake.bronze import batches, extract
from wardlake.bronze.manifest import Manifest
from wardlake.errors import PassingError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source

ONE = b"id,value\n1,a\n"
CONCURRENT: dict[str, Any] = {"concurrent": True}


def taken_by_all(settings: Settings) -> list[str]:
    return sorted(name for manifest in batches(settings, Lake(settings), "lab", "result") for name in names(manifest))


def dies_before_its_commit(settings: Settings, source: Source, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extraction that has written its rows and is gone."""

    class KilledError(BaseException):
        pass

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(extract, "commit_batch", die)
        with pytest.raises(KilledError):
            take(settings, source, number)


def test_batches_of_different_windows_at_once_take_each_file_once(settings: Settings) -> None:
    source = file_source(source=CONCURRENT)
    for number in range(12):
        land(settings, f"{number:02d}.csv", f"id,value\n{number},x\n".encode())
    start = threading.Barrier(4)

    def run(number: int) -> Manifest:
        start.wait()
        return take(settings, source, number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(1, 5)))
    assert taken_by_all(settings) == [f"{number:02d}.csv" for number in range(12)]
    assert len(shown(settings, source)) == 12


def test_the_files_of_a_batch_that_died_are_taken_by_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = file_source()
    land(settings, "a.csv", ONE)
    dies_before_its_commit(settings, source, 1, monkeypatch)
    assert names(take(settings, source, 2)) == ["a.csv"]
    assert names(take(settings, source, 1)) == []
    assert shown(settings, source) == [("1", "a", "a.csv")]


def test_where_others_may_run_the_files_of_a_dead_batch_wait_for_its_retry(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = file_source(source=CONCURRENT)
    land(settings, "a.csv", ONE)
    dies_before_its_commit(settings, source, 1, monkeypatch)
    assert names(take(settings, source, 2)) == []
    assert names(take(settings, source, 1)) == ["a.csv"]
    assert names(take(settings, source, 3)) == []


def test_a_batch_whose_file_was_taken_over_is_not_committed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = file_source()
    land(settings, "a.csv", ONE)
    commit: Callable[..., Any] = extract.commit_batch
    key = f"bronze/lab/result/_taken/{hashlib.sha256(ONE).hexdigest()}.json"

    def late(lake: Lake, bucket: str, manifest: Manifest) -> Any:
        lake.put(bucket, key, b'{"batch_id": "another"}')
        return commit(lake, bucket, manifest)

    with monkeypatch.context() as patch:
        patch.setattr(extract, "commit_batch", late)
        with pytest.raises(PassingError, match=r"lab\.result, batch .* another batch has taken 1 of its files"):
            take(settings, source, 1)
    assert batches(settings, Lake(settings), "lab", "result") == []
    assert names(take(settings, source, 1)) == ["a.csv"]


def test_a_file_that_is_refused_is_free_for_other_batches(settings: Settings) -> None:
    land(settings, "a.csv", b"id;value\n1;a\n")
    take(settings, file_source(source=CONCURRENT), 1)
    assert Lake(settings).list(settings.bucket("bronze"), "bronze/lab/result/_taken/") == []
    assert names(take(settings, file_source(source=CONCURRENT, delimiter=";"), 2)) == ["a.csv"]


def test_two_attempts_at_one_window_make_one_batch(settings: Settings) -> None:
    source = file_source(source=CONCURRENT)
    land(settings, "a.csv", ONE)
    start = threading.Barrier(3)

    def run(_: int) -> str:
        start.wait()
        return take(settings, source, 1).model_dump_json()

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(run, range(3)))) == 1
    assert taken_by_all(settings) == ["a.csv"]
    assert day(1).start == batches(settings, Lake(settings), "lab", "result")[0].window_start
