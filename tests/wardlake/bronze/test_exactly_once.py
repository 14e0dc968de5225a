"""Whatever happens, in whatever order: the table in the lake is the table at the source, row for row."""

import hashlib
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import duckdb
import pyarrow.parquet as pq
import pytest
from bronze.live_table import COLUMNS, START, Crash, LiveTable, Row, crashing, prepare_clock
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from wardlake.bronze import (
    Backfill,
    Extraction,
    backfill_table,
    batches,
    current_batches,
    current_query,
    extract_table,
)
from wardlake.bronze.manifest import Comparison, batch_prefix
from wardlake.bronze.readers import postgres_table
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.warehouse import connect
from wardlake.window import Window

SLOT = timedelta(hours=6)
TIMES = hypothesis_settings(
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
EXAMPLES = {"snapshot": 6, "times": 7, "compared": 6, "numbers": 3}
IDS = st.integers(1, 5)
CHANGES = st.lists(st.tuples(st.sampled_from(["write", "write", "tie", "without cursor", "delete"]), IDS), max_size=4)
# minutes that pass (none: the clock is set back a little), and then what people do
MEANWHILE = st.tuples(st.sampled_from([0, 1, 115, 360, 360, 1440]), CHANGES)
# first slot, counted from the one that is under way, and how many slots: past, unfinished and future windows
WINDOWS = st.tuples(st.integers(-4, 1), st.integers(1, 3))
# the write at which a run ends, and whether that write took place
CRASHES = st.none() | st.tuples(st.integers(1, 6), st.booleans())

Meanwhile = tuple[int, list[tuple[str, int]]]
CrashAt = tuple[int, bool] | None


class Hospital(RuleBasedStateMachine):
    """A live table, extracted, crashed, repeated and read again at random."""

    def __init__(self, settings: Settings, database: str, engine: duckdb.DuckDBPyConnection, kind: str) -> None:
        super().__init__()
        self.settings, self.database, self.engine, self.kind = settings, database, engine, kind
        self.lake, self.bucket = Lake(settings), settings.bucket("bronze")
        self.table = LiveTable(database, kind)
        self.source = self.table.source
        self.manifests: dict[str, bytes] = {}
        self.backfills = 0

    def teardown(self) -> None:
        self.table.close()
        self.check_batches()

    @rule()
    def begin_a_long_transaction(self) -> None:
        self.table.begin_late()

    @rule(meanwhile=MEANWHILE)
    def run_on_time(self, meanwhile: Meanwhile) -> None:
        self.run(meanwhile, (0, 1), None, tries_again=False)

    @rule(meanwhile=MEANWHILE, window=WINDOWS, crash=CRASHES, tries_again=st.booleans())
    def run(self, meanwhile: Meanwhile, window: tuple[int, int], crash: CrashAt, tries_again: bool) -> None:
        self.live(meanwhile)
        chosen = self.window(*window)
        if ended := self.attempt(lambda: self.extract(chosen), crash):
            self.check_run([chosen] if ended.is_new else [])
        elif tries_again:
            self.extract(chosen)
            self.check_run([chosen])
        else:
            self.check_run([])

    @rule(meanwhile=MEANWHILE, window=WINDOWS)
    def run_twice_at_once(self, meanwhile: Meanwhile, window: tuple[int, int]) -> None:
        self.live(meanwhile)
        chosen = self.window(*window)
        is_there = self.has_batch_of(chosen)
        first, second = at_once(lambda: self.extract(chosen), lambda: self.extract(chosen))
        assert first.manifest == second.manifest
        assert first.is_new + second.is_new == (not is_there)
        self.check_run([] if is_there else [chosen])

    @rule(meanwhile=MEANWHILE, one=WINDOWS, other=WINDOWS)
    def run_two_windows_at_once(self, meanwhile: Meanwhile, one: tuple[int, int], other: tuple[int, int]) -> None:
        self.live(meanwhile)
        windows = [self.window(*one), self.window(*other)]
        ended = at_once(lambda: self.extract(windows[0]), lambda: self.extract(windows[1]))
        self.check_run([chosen for chosen, extraction in zip(windows, ended, strict=True) if extraction.is_new])

    @precondition(lambda self: self.kind in ("times", "compared"))
    @rule(meanwhile=MEANWHILE, window=WINDOWS, crash=CRASHES, rehearses=st.booleans())
    def backfill_a_window(self, meanwhile: Meanwhile, window: tuple[int, int], crash: CrashAt, rehearses: bool) -> None:
        self.live(meanwhile)
        self.backfill(self.window(*window), crash, rehearses=rehearses)

    @precondition(lambda self: self.kind != "snapshot")
    @rule(meanwhile=MEANWHILE, crash=CRASHES, rehearses=st.booleans())
    def backfill_everything(self, meanwhile: Meanwhile, crash: CrashAt, rehearses: bool) -> None:
        self.live(meanwhile)
        self.backfill(None, crash, rehearses=rehearses)

    def live(self, meanwhile: Meanwhile) -> None:
        """Let time pass, and people change the table."""
        minutes, changes = meanwhile
        self.table.set_clock(self.table.now + timedelta(minutes=minutes))
        for what, id_ in changes:
            if what == "delete":
                self.table.delete(id_)
            else:
                self.table.write(id_, has_cursor=what != "without cursor", is_tie=what == "tie")

    def window(self, first: int, slots: int) -> Window:
        start = START + ((self.table.now - START) // SLOT + first) * SLOT
        return Window(start, start + slots * SLOT)

    def extract(self, window: Window) -> Extraction:
        return extract_table(self.settings, self.source, "stay", window, self.database)

    def attempt(self, action: Callable[[], Extraction], crash: CrashAt) -> Extraction | None:
        """The result, or None if it crashed."""
        if crash is None:
            return action()
        try:
            with crashing(crash[0], after=crash[1]):
                return action()
        except Crash:
            return None

    def backfill(self, window: Window | None, crash: CrashAt, *, rehearses: bool) -> None:
        self.backfills += 1
        named = Backfill(f"backfill {self.backfills}", window)

        def read_again(*, is_rehearsal: bool = False) -> Extraction:
            return backfill_table(self.settings, self.source, "stay", named, self.database, is_rehearsal=is_rehearsal)

        before, objects = self.rows(), self.lake.list(self.bucket)
        if rehearses:
            told = read_again(is_rehearsal=True).manifest.comparison
            assert self.lake.list(self.bucket) == objects
        ended = self.attempt(read_again, crash) or read_again()
        after = self.rows()
        assert ended.manifest.comparison == difference(before, after)
        assert not rehearses or told == ended.manifest.comparison
        self.check([window] if window else [], is_whole=window is None)
        assert window or after == self.table.rows()
        assert before.keys() & self.table.rows().keys() <= after.keys(), "rows are hidden"

    # what must be true

    def rows(self) -> dict[int, Row]:
        """The table as the lake has it now, by id."""
        manifests = current_batches(self.settings, self.lake, self.source, "stay")
        query = current_query(self.settings, self.source.tables["stay"], manifests)
        found = self.engine.execute(f"SELECT {', '.join(COLUMNS)} FROM ({query})").fetchall()
        rows = {row[0]: row for row in found}
        assert len(rows) == len(found), "rows are doubled"
        return rows

    def check_run(self, new: Sequence[Window]) -> None:
        """After runs that made new batches of these windows, since the last change at the source."""
        is_blind_to_time = self.kind in ("snapshot", "numbers")
        self.check(new, is_whole=any(is_blind_to_time or window.end > self.table.now for window in new))

    def check(self, new: Sequence[Window], *, is_whole: bool) -> None:
        """That the lake has the rows of these windows, or all, as the source has them; and no others, ever."""
        lake, source = self.rows(), self.table.rows()
        assert set(lake.values()) <= self.table.history
        wanted = {id_ for id_, row in source.items() if is_whole or any(is_read(row, window) for window in new)}
        assert {id_: lake.get(id_) for id_ in wanted} == {id_: source[id_] for id_ in wanted}
        if new and self.kind in ("snapshot", "compared"):
            assert lake.keys() <= source.keys(), "deleted rows are left"
        self.check_manifests()

    def has_batch_of(self, window: Window) -> bool:
        committed = batches(self.settings, self.lake, self.source.name, "stay")
        return any(
            (one.window_start, one.window_end) == (window.start, window.end) and one.comparison is None
            for one in committed
        )

    def check_manifests(self) -> None:
        keys = [
            key for key in self.lake.list(self.bucket, batch_prefix(self.source.name, "stay")) if "_manifest" in key
        ]
        assert self.manifests.keys() <= set(keys)
        for key in keys:
            if key not in self.manifests:
                self.manifests[key] = self.lake.get(self.bucket, key)

    def check_batches(self) -> None:
        for key, content in self.manifests.items():
            assert self.lake.get(self.bucket, key) == content
        for manifest in batches(self.settings, self.lake, self.source.name, "stay"):
            assert manifest.source_rows == manifest.lake_rows == sum(file.rows for file in manifest.files)
            for file in (*manifest.files, *(manifest.keys or [])):
                content = self.lake.get(self.bucket, file.key)
                assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256)
                assert pq.ParquetFile(io.BytesIO(content)).metadata.num_rows == file.rows


def at_once(*actions: Callable[[], Extraction]) -> list[Extraction]:
    """The results of actions that start together."""
    start = threading.Barrier(len(actions))

    def begin(action: Callable[[], Extraction]) -> Extraction:
        start.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(begin, actions))


def is_read(row: Row, window: Window) -> bool:
    """Whether a batch of this window must hold the row, by either cursor."""
    return row[2] is None or window.start <= row[2] < window.end


def difference(before: dict[int, Row], after: dict[int, Row]) -> Comparison:
    """How the keys of two states of the table differ."""
    both = before.keys() & after.keys()
    same = sum(before[id_] == after[id_] for id_ in both)
    return Comparison(added=len(after) - len(both), gone=len(before) - len(both), changed=len(both) - same, same=same)


@pytest.fixture(scope="module")
def engine(module_settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(module_settings) as connection:
        yield connection


@pytest.fixture(scope="module")
def clocked_database(module_database: str) -> str:
    prepare_clock(module_database)
    return module_database


@pytest.mark.usefixtures("_quick_engines")
@pytest.mark.parametrize(("kind", "examples"), EXAMPLES.items())
def test_the_lake_has_each_row_exactly_once(
    kind: str,
    examples: int,
    module_settings: Settings,
    clocked_database: str,
    engine: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # even a small table is read in parts, by two workers
    monkeypatch.setattr(postgres_table, "HEAP_BYTES_OF_ONE_PART", 0)
    run_state_machine_as_test(
        lambda: Hospital(module_settings, clocked_database, engine, kind),
        settings=hypothesis_settings(TIMES, max_examples=examples),
    )
