"""A table that people work on while the lake reads it, and the clock by which its hospital lives."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import psycopg
from clinic import FACILITY

from wardlake.lake import Lake
from wardlake.sources import Source

START = datetime(2026, 1, 10, tzinfo=UTC)
LOOK_BACK = timedelta(hours=2)
LOOK_BACK_BY = 3
LATE_AT_MOST = timedelta(minutes=115)
KINDS: dict[str, dict[str, object]] = {
    "snapshot": {"mode": "snapshot"},
    "times": {"mode": "incremental", "cursor": {"column": "changed", "look_back": LOOK_BACK}},
    "compared": {
        "mode": "incremental",
        "cursor": {"column": "changed", "look_back": LOOK_BACK},
        "deletes": "compare_keys",
    },
    "numbers": {"mode": "incremental", "cursor": {"column": "version", "look_back_by": LOOK_BACK_BY}},
}
COLUMNS = {"id": "BIGINT", "ward": "VARCHAR", "changed": "TIMESTAMP WITH TIME ZONE", "version": "BIGINT"}
_numbers = itertools.count()

Row = tuple[int, str, datetime | None, int | None]


class Crash(BaseException):
    """The process has ended here, for all that the code under test can do about it."""


def prepare_clock(database: str) -> None:
    """Give a database a clock that is set by the test and goes on from there."""
    with psycopg.connect(database) as connection:
        connection.execute("create schema adt")
        connection.execute("create schema clock")
        connection.execute("create table clock.setting (shown timestamptz, since timestamptz)")
        connection.execute("insert into clock.setting values (now(), now())")
        connection.execute(
            """
            create function clock.clock_timestamp() returns timestamptz language sql as
            $$ select shown + (pg_catalog.clock_timestamp() - since) from clock.setting $$
            """
        )
        connection.execute(
            """
            create function clock.now() returns timestamptz language sql as
            $$ select shown + (pg_catalog.now() - since) from clock.setting $$
            """
        )
        connection.execute(f'alter database "{connection.info.dbname}" set search_path = clock, pg_catalog, public')


class LiveTable:
    """A table of stays. Each change sets the cursors `changed` (the clock) and `version` (a counter)."""

    def __init__(self, database: str, kind: str) -> None:
        number = next(_numbers)
        self.relation = f"adt.stay_{number}"
        self.source = _source(f"clinic_{number}", self.relation, KINDS[kind])
        self.now, self.version, self.writes = START, 0, 0
        self.history: set[Row] = set()
        self._database = database
        self._connection = psycopg.connect(database, autocommit=True)
        self._late: psycopg.Connection | None = None
        self._late_row: Row | None = None
        self._connection.execute(
            f"create table {self.relation} (id bigint primary key, ward text, changed timestamptz, version bigint)"
        )
        self.set_clock(START)

    def close(self) -> None:
        """Leave the database; what has not committed is lost."""
        self._connection.close()
        if self._late:
            self._late.close()

    def set_clock(self, moment: datetime) -> None:
        """Move the hospital's clock; the late transaction ends before it is too late."""
        if self._late_row and self._late_row[2] and moment - self._late_row[2] > LATE_AT_MOST:
            self.commit_late()
        self.now = moment
        self._connection.execute("update clock.setting set shown = %s, since = pg_catalog.clock_timestamp()", [moment])

    def write(self, id_: int, *, has_cursor: bool = True, is_tie: bool = False) -> None:
        """Insert or update a stay; a tie has the same version as the write before it."""
        row = self._next_row(id_, has_cursor=has_cursor, is_tie=is_tie)
        self._connection.execute(
            f"insert into {self.relation} values (%s, %s, %s, %s) on conflict (id) do update "
            "set ward = excluded.ward, changed = excluded.changed, version = excluded.version",
            row,
        )

    def delete(self, id_: int) -> None:
        """Remove a stay, if it is there."""
        self._connection.execute(f"delete from {self.relation} where id = %s", [id_])

    def begin_late(self) -> None:
        """Insert a stay in a transaction that goes on; its cursors are of now."""
        self.commit_late()
        self._late_row = self._next_row(1000 + self.writes, has_cursor=True, is_tie=False)
        self._late = psycopg.connect(self._database)
        self._late.execute(f"insert into {self.relation} values (%s, %s, %s, %s)", self._late_row)

    def commit_late(self) -> None:
        """End the transaction that goes on, if there is one."""
        if self._late:
            self._late.commit()
            self._late.close()
        self._late = self._late_row = None

    def rows(self) -> dict[int, Row]:
        """What the source has now, by id."""
        found = self._connection.execute(f"select id, ward, changed, version from {self.relation}").fetchall()
        return {row[0]: row for row in found}

    def _next_row(self, id_: int, *, has_cursor: bool, is_tie: bool) -> Row:
        if has_cursor and not is_tie:
            if self._late_row and self._late_row[3] is not None and self.version >= self._late_row[3] + LOOK_BACK_BY:
                self.commit_late()
            self.version += 1
        self.writes += 1
        row = (id_, f"ward {self.writes}", self.now if has_cursor else None, self.version if has_cursor else None)
        self.history.add(row)
        return row


@contextmanager
def crashing(write: int | None, *, after: bool = False) -> Iterator[None]:
    """Crash at this write to the lake, counted from 1, before or after it took place."""
    count = itertools.count(1)
    kept = {name: getattr(Lake, name) for name in ("upload", "put", "put_if_absent")}

    def wrapped(name: str) -> object:
        def call(*arguments: object) -> object:
            is_here = next(count) == write
            if is_here and not after:
                raise Crash
            result = kept[name](*arguments)
            if is_here:
                raise Crash
            return result

        return call

    with patch.multiple(Lake, **{name: wrapped(name) for name in kept}):
        yield


def _source(name: str, relation: str, table: dict[str, object]) -> Source:
    return Source.model_validate(
        {
            "name": name,
            "description": "Stays of a small clinic.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "postgres", "conn_id": "clinic_db"},
            "concurrent": True,
            "provides": ["ward_stays"],
            "tables": {
                "stay": {
                    "description": "Stays.",
                    "relation": relation,
                    "keys": ["id"],
                    "columns": {column: {"type": type_, "pii": "none"} for column, type_ in COLUMNS.items()},
                    **table,
                }
            },
        }
    )
