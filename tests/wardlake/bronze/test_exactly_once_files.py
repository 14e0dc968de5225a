"""Whatever happens, in whatever order: the table in the lake is what the files hold, each content once."""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from bronze.live_table import START, Crash, crashing
from filing import day, file_source, shown
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from wardlake.bronze import Backfill, Extraction, Manifest, backfill_table, batches, extract_table
from wardlake.bronze.manifest import batch_id_of
from wardlake.errors import PermanentError
from wardlake.lake import Entry, Lake
from wardlake.settings import Settings

KINDS: dict[str, dict[str, Any]] = {
    "the newest of each name": {},
    "every version": {"versions": "keep"},
    "the youngest file": {"table": {"mode": "snapshot"}},
}
TIMES = hypothesis_settings(
    max_examples=5,
    stateful_step_count=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
# files that are dropped, or dropped anew: name, content, and whether it is dated before all that is there
DROPPED = st.lists(
    st.tuples(st.sampled_from(["a.csv", "b.csv", "c.csv"]), st.integers(1, 4), st.booleans()), max_size=3
)
WINDOWS = st.integers(1, 6)
# the write at which a run ends, and whether that write took place
CRASHES = st.none() | st.tuples(st.integers(1, 8), st.booleans())

CrashAt = tuple[int, bool] | None
Dropped = tuple[str, int, bool]
_numbers = itertools.count()
_dropped_at: dict[str, datetime] = {}


class Laboratory(RuleBasedStateMachine):
    """Files are dropped and taken; runs are repeated, crashed, and meet each other."""

    def __init__(self, settings: Settings, kind: str, *, concurrent: bool) -> None:
        super().__init__()
        self.settings, self.lake, self.kind, self.concurrent = settings, Lake(settings), kind, concurrent
        name = f"lab_{next(_numbers)}"
        self.prefix = f"{name}/"
        connection = {"kind": "landing", "prefix": self.prefix}
        self.source = file_source(connection=connection, source={"name": name, "concurrent": concurrent}, **KINDS[kind])
        self.landing: dict[str, str] = {}
        self.seen: set[str] = set()
        self.dead: set[int] = set()
        self.manifests: dict[str, str] = {}

    @rule(dropped=DROPPED, window=WINDOWS, crash=CRASHES, tries_again=st.booleans())
    def run(self, dropped: list[Dropped], window: int, crash: CrashAt, tries_again: bool) -> None:
        self.drop(dropped)
        ended = self.attempt(window, crash)
        if ended is None and tries_again:
            self.extract(window)
            self.check(is_new=True)
        else:
            self.check(is_new=ended is not None and ended.is_new)

    @rule(dropped=DROPPED, window=WINDOWS)
    def run_twice_at_once(self, dropped: list[Dropped], window: int) -> None:
        self.drop(dropped)
        first, second = at_once(lambda: self.extract(window), lambda: self.extract(window))
        assert first.manifest == second.manifest
        assert first.is_new + second.is_new <= 1
        self.check(is_new=first.is_new or second.is_new)

    @rule(dropped=DROPPED, one=WINDOWS, other=WINDOWS)
    def run_two_windows_at_once(self, dropped: list[Dropped], one: int, other: int) -> None:
        self.drop(dropped)
        ended = at_once(lambda: self.extract(one), lambda: self.extract(other))
        self.check(is_new=any(extraction.is_new for extraction in ended))

    @precondition(lambda self: self.kind != "the youngest file")
    @rule(dropped=DROPPED, window=st.none() | WINDOWS)
    def backfill(self, dropped: list[Dropped], window: int | None) -> None:
        self.drop(dropped)
        named = Backfill(f"backfill {next(_numbers)}", day(window) if window else None)
        try:
            backfill_table(self.settings, self.source, "result", named)
        except PermanentError:  # a version is there no longer
            assert self.kind == "every version"
            self.check(is_new=False)
        else:
            self.check(is_new=True)

    @precondition(lambda self: self.dead)
    @rule()
    def run_the_dead_again(self) -> None:
        for window in sorted(self.dead):
            self.extract(window)
        self.check(is_new=True)

    def drop(self, files: list[Dropped]) -> None:
        for name, content, is_late in files:
            self.land(name, f"v{content}", is_late=is_late)

    def land(self, name: str, content: str, *, is_late: bool = False) -> None:
        self.lake.put(self.settings.bucket("landing"), self.prefix + name, text_of(content))
        self.landing[name] = content
        _dropped_at[self.prefix + name] = START + timedelta(seconds=next(_numbers) * (-1 if is_late else 1))

    def extract(self, window: int) -> Extraction:
        done = extract_table(self.settings, self.source, "result", day(window))
        self.dead.discard(window)
        return done

    def attempt(self, window: int, crash: CrashAt) -> Extraction | None:
        """The batch of a window, or None if its run has crashed."""
        if crash is None:
            return self.extract(window)
        try:
            with crashing(crash[0], after=crash[1]):
                return self.extract(window)
        except Crash:
            if batch_id_of(self.source.name, "result", day(window)) not in {one.batch_id for one in self.committed()}:
                self.dead.add(window)
            return None

    def committed(self) -> list[Manifest]:
        return batches(self.settings, self.lake, self.source.name, "result")

    def check(self, *, is_new: bool) -> None:
        """`is_new`: a batch was made since the last file was dropped."""
        self.check_manifests()
        rows = Counter(id_ for (id_,) in shown(self.settings, self.source, "id"))
        assert set(rows.values()) <= {1}, "rows are doubled"
        if not is_new:
            return
        self.seen |= set(self.landing.values())
        # where others may be under way, files that a dead run has claimed wait for its retry
        if not (self.dead and self.concurrent):
            assert set(rows) == {id_ for content in self.wanted() for id_ in ids_of(content)}

    def wanted(self) -> set[str]:
        """The contents that the table is to show."""
        if self.kind == "every version":
            return self.seen
        if self.kind == "the newest of each name" or not self.landing:
            return set(self.landing.values())
        return {self.landing[max(self.landing, key=lambda name: _dropped_at[self.prefix + name])]}

    def check_manifests(self) -> None:
        committed = self.committed()
        now = {one.batch_id: one.model_dump_json() for one in committed}
        assert {id_: now.get(id_) for id_ in self.manifests} == self.manifests
        self.manifests = now
        for one in committed:
            assert one.source_rows == one.lake_rows == sum(file.rows for file in one.files)


def ids_of(content: str) -> list[str]:
    """Ids of the rows of a content."""
    return [f"{content}.{row}" for row in range(2)]


def text_of(content: str) -> bytes:
    return "\n".join(["id,value", *(f"{id_},x" for id_ in ids_of(content)), ""]).encode()


def at_once(*actions: Callable[[], Extraction]) -> list[Extraction]:
    """The results of actions that start together."""
    start = threading.Barrier(len(actions))

    def begin(action: Callable[[], Extraction]) -> Extraction:
        start.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(begin, actions))


@pytest.fixture
def _store_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock of the store by which each file is dropped at another second: by its own, many would share one."""
    entries = Lake.entries

    def by_the_clock(lake: Lake, bucket: str, prefix: str = "") -> Sequence[Entry]:
        found = entries(lake, bucket, prefix)
        return [replace(entry, modified_at=_dropped_at.get(entry.key, entry.modified_at)) for entry in found]

    monkeypatch.setattr(Lake, "entries", by_the_clock)


@pytest.mark.usefixtures("_quick_engines", "_store_clock")
@pytest.mark.parametrize("concurrent", [True, False], ids=["runs at once", "one run at a time"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_lake_has_each_content_exactly_once(kind: str, concurrent: bool, module_settings: Settings) -> None:
    run_state_machine_as_test(lambda: Laboratory(module_settings, kind, concurrent=concurrent), settings=TIMES)


@pytest.mark.usefixtures("_quick_engines", "_store_clock")
@pytest.mark.parametrize(
    ("kind", "first", "then"),
    [
        ("the newest of each name", {"a": "1", "b": "1"}, {"a": "2"}),
        ("the newest of each name", {"a": "1", "b": "2"}, {"a": "2"}),
        ("the youngest file", {"b": "4"}, {"a": "2", "c": "4"}),
        ("the youngest file", {"b": "4"}, {"a": "2", "b": "4"}),
    ],
    ids=[
        "the first name of a content moves on",
        "a name takes on the content of another",
        "the youngest file holds what is shown",
        "what is shown comes again after another file",
    ],
)
def test_names_that_share_a_content(
    kind: str, first: dict[str, str], then: dict[str, str], module_settings: Settings
) -> None:
    laboratory = Laboratory(module_settings, kind, concurrent=False)
    for window, files in enumerate((first, then), start=1):
        for name, content in files.items():
            laboratory.land(name, content)
        laboratory.extract(window)
        laboratory.check(is_new=True)
