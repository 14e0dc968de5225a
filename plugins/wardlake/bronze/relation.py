"""What a reader hands over: queries for the rows of a table, and what the source itself says of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import duckdb

from wardlake.bronze.manifest import BronzeColumn, HeldFile, RefusedFile, TakenFile
from wardlake.bronze.reading import EVERYTHING, Reading
from wardlake.errors import WardlakeError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.window import Window

ROW_GROUP_ROWS = 122_880


@dataclass(frozen=True)
class Opening:
    """What a reader needs to open a source. `uri` is its address, with secrets; None where no address is needed.

    `engine` is a DuckDB connection of this extraction's own, with the lake's secret and bounded memory. Its cursors may
    be used from other threads.
    """

    settings: Settings
    lake: Lake
    source: Source
    uri: str | None
    engine: duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Request:
    """One table to read.

    `columns` are the source's columns that are wanted, None for all of them. `work` is an empty folder for the reader's
    own files, which lives until the batch is committed. `replaces` are batches for which this one will stand: what only
    they have taken is taken again.
    """

    table: str
    batch_id: str
    window: Window
    work: Path
    reading: Reading = EVERYTHING
    columns: tuple[str, ...] | None = None
    replaces: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Check:
    """A figure that source and lake must agree on: the source's is in `SourceFacts.checks` under the same name."""

    name: str
    lake_sql: str


@dataclass(frozen=True)
class SourceFacts:
    """What the source says of the rows, by another way than the one on which they travel.

    `rows` is their number. `checks` holds the figure of each `Check`; None is a figure too (the sum of no rows).
    """

    rows: int
    checks: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Relation:
    """Rows ready to be copied.

    `chunks` are DuckDB queries of disjoint rows that together are the table; workers run them on cursors of the
    opening's engine, each into Parquet files of its own. All have the same columns, which `columns` names in the order
    of the source. `facts` is called once, after all rows were read. `order_by` are SQL expressions over the columns, if
    the chunks are not in order already. `arrived` is false if the source had nothing to deliver, which is not the same
    as no rows. `left_out` counts by reason what came and is no row of the table. `begin` prepares a worker's cursor,
    for example to join a snapshot; without it, a single chunk runs on the engine itself. `explain` gives the meaning of
    an error that broke off a query of these rows, None if it is not the source's; `explain_difference` says why checks,
    given by their names, do not agree, if the source knows. `row_group_rows` is smaller for wide rows, so that a group
    fits in memory.

    Of files: `changes` are differences from the contract, `held` and `seen` go into the manifest. `without_broken` is
    called if the rows could not be read or are not as many as `facts` says: it looks at each file by itself and hands
    over the relation of those that are whole.
    """

    chunks: tuple[str, ...]
    columns: tuple[BronzeColumn, ...]
    facts: Callable[[], SourceFacts]
    order_by: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    taken: tuple[TakenFile, ...] = ()
    held: tuple[HeldFile, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    changes: tuple[str, ...] = ()
    seen: dict[str, str] = field(default_factory=dict)
    arrived: bool = True
    without_broken: "Callable[[], Relation] | None" = None
    begin: Callable[[duckdb.DuckDBPyConnection], None] | None = None
    workers: int = 2
    row_group_rows: int = ROW_GROUP_ROWS
    explain: Callable[[duckdb.Error], WardlakeError | None] = lambda _: None
    explain_difference: Callable[[Sequence[str]], WardlakeError | None] = lambda _: None
    left_out: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def transaction(
    engine: duckdb.DuckDBPyConnection, begin: Callable[[duckdb.DuckDBPyConnection], None]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor of the engine, in the transaction that `begin` opens on it.

    The transaction is rolled back here, where a connection that is lost raises an error. Left to the end of the cursor,
    the same error ends the process.
    """
    with engine.cursor() as cursor:
        try:
            begin(cursor)
            yield cursor
        finally:
            with suppress(duckdb.Error):
                cursor.rollback()


class Session(Protocol):
    """One look at a source, for one table or more.

    `snapshot` names the moment that all of them show, if there is one; `moment` is the source's clock at that moment.

    `read` raises PermanentError or PassingError whose text names source and table and holds no value.
    """

    @property
    def snapshot(self) -> str | None: ...

    @property
    def moment(self) -> datetime | None: ...

    def read(self, request: Request) -> Relation: ...
