"""Faults of the store and of the way to it: a whole batch or none, a clear error, and a retry that mends it."""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta

import psycopg
import pytest
from botocore.retries import standard
from bronze.faulty_store import FAULTS, FaultyStore, faulty_store
from bronze.stays import stay_source

from wardlake.bronze import Backfill, backfill_table, batches, extract_table
from wardlake.bronze.manifest import Comparison
from wardlake.errors import PassingError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.window import Window

ROWS = 5
PART, MANIFEST, LISTING = ".parquet", "_manifest.json", "list-type=2"
READ_AGAIN = ("throttled", "too many requests", "internal error", "reset before", "silence", "cut answer")
"""Faults of reading after which the engine tries again."""
SOURCE = stay_source()


@pytest.fixture(scope="module")
def store(module_settings: Settings) -> Iterator[FaultyStore]:
    with faulty_store(module_settings.s3_endpoint_url or "") as proxy:
        yield proxy


@pytest.fixture(scope="module")
def clinic(module_database: str) -> str:
    """Address of a database with a few stays."""
    with psycopg.connect(module_database) as connection:
        connection.execute("create schema adt")
        connection.execute("create table adt.stay (id bigint, ward text, changed timestamptz)")
        connection.execute("insert into adt.stay select i, 'A', '2026-01-01' from generate_series(1, %s) i", [ROWS])
    return module_database


@pytest.fixture
def behind(settings: Settings, store: FaultyStore, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that reach the store through the proxy, and wait for little."""
    monkeypatch.setattr(standard.ExponentialBackoff, "delay_amount", lambda *_: 0)
    monkeypatch.setattr("wardlake.lake.LONGEST_WAIT_S", 0)
    return settings.model_copy(update={"s3_endpoint_url": store.url, "s3_attempts": 3, "s3_timeout_s": 0.5})


def check(settings: Settings, count: int = 1) -> None:
    """That there are as many committed batches, the first with all rows, and that their files are what they say."""
    lake, bucket = Lake(settings), settings.bucket("bronze")
    found = batches(settings, lake, "clinic", "stay")
    assert len(found) == count
    for manifest in found:
        assert manifest.source_rows == manifest.lake_rows == sum(file.rows for file in manifest.files)
        for file in manifest.files:
            assert hashlib.sha256(lake.get(bucket, file.key)).hexdigest() == file.sha256
    assert sum(manifest.lake_rows for manifest in found) == ROWS


def met(store: FaultyStore) -> set[tuple[str, str]]:
    """Methods and kinds of the requests that a fault has met."""
    return {(method, kind) for method, path in store.met for kind in (PART, MANIFEST, LISTING) if kind in path}


def day(number: int) -> Window:
    return Window.of_day(date(2026, 1, 1) + timedelta(days=number))


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("wrong time", "portal")])
def test_a_fault_that_passes_is_not_noticed(
    fault: str, behind: Settings, settings: Settings, store: FaultyStore, clinic: str
) -> None:
    # each request meets it once; only a conditional put can conflict
    with store.failing(fault, lambda method, _: fault != "conflict" or method == "PUT", times=1):
        done = extract_table(behind, SOURCE, "stay", day(0), clinic)
    assert done.is_new
    assert ("PUT", MANIFEST) in met(store)
    assert fault == "conflict" or met(store) >= {("PUT", PART), ("GET", MANIFEST), ("GET", LISTING)}
    check(settings)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_is_told_and_a_retry_makes_the_batch(
    fault: str, behind: Settings, settings: Settings, store: FaultyStore, clinic: str
) -> None:
    told = {
        "throttled": "the store asks for fewer requests",
        "too many requests": "the store asks for fewer requests",
        "wrong time": r"clocks of this machine and of the store differ.* Set the clock",
        "internal error": "InternalError",
    }.get(fault, "could not be")
    for method, part in (("GET", MANIFEST), ("GET", LISTING), ("PUT", PART)):
        if (fault, method) in (("conflict", "GET"), ("cut request", "GET"), ("cut answer", "PUT")):
            continue
        chosen = lambda asked, path: asked == method and part in path  # noqa: B023, E731
        with store.failing(fault, chosen), pytest.raises(PassingError, match=told) as raised:
            extract_table(behind, SOURCE, "stay", day(0), clinic)
        assert f"s3://{settings.bucket('bronze')}/bronze/clinic/stay/" in str(raised.value)
        assert "/batch_id=" in str(raised.value) or part == LISTING
        assert batches(settings, Lake(settings), "clinic", "stay") == []
    with store.failing(fault, lambda method, path: method == "PUT" and path.endswith(MANIFEST)):
        try:
            extract_table(behind, SOURCE, "stay", day(0), clinic)
        except PassingError as error:
            assert MANIFEST in str(error)  # noqa: PT017  where only the answer is lost, the put may be known to be done
    assert extract_table(behind, SOURCE, "stay", day(0), clinic).manifest.lake_rows == ROWS
    check(settings)


@pytest.mark.parametrize("fault", [*READ_AGAIN, "wrong time", "portal"])
def test_the_engine_reads_rows_whole_or_tells_that_it_cannot(
    fault: str, behind: Settings, settings: Settings, store: FaultyStore, clinic: str
) -> None:
    extract_table(settings, SOURCE, "stay", day(0), clinic)
    extract_table(settings, SOURCE, "stay", day(1), clinic)
    again = Backfill("again", day(1))
    told = "clocks.* differ" if fault == "wrong time" else r"clinic\.stay, batch .*: the S3 store did not answer"
    reads_a_part = lambda method, path: method == "GET" and PART in path  # noqa: E731
    with store.failing(fault, reads_a_part), pytest.raises(PassingError, match=told):
        backfill_table(behind, SOURCE, "stay", again, clinic)
    check(settings, count=2)
    if fault in READ_AGAIN:
        with store.failing(fault, reads_a_part, times=1):
            done = backfill_table(behind, SOURCE, "stay", again, clinic)
        assert done.manifest.comparison == Comparison(added=0, gone=0, changed=0, same=ROWS)


def test_a_wrong_clock_is_told_though_the_answer_to_a_head_has_no_reason(behind: Settings, store: FaultyStore) -> None:
    with store.failing("wrong time", lambda *_: True), pytest.raises(PassingError, match="clocks"):
        Lake(behind).exists(behind.bucket("bronze"), "x")
