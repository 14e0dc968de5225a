"""PostgreSQL: all tables of a session show one exported snapshot, which up to two workers read in ranges."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Lock

import duckdb
import psycopg
from psycopg.conninfo import make_conninfo

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.postgres_checks import Exactness, checks_of, exactness_of
from wardlake.bronze.readers.postgres_faults import explain, explain_engine
from wardlake.bronze.readers.postgres_table import PostgresTable, YoungerError, describe
from wardlake.bronze.relation import Check, Opening, Relation, Request, SourceFacts, transaction
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.sources import Source, Table
from wardlake.sources.connections import PostgresConnection
from wardlake.sql import as_name, as_text
from wardlake.warehouse.connection import extension_file, translate

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_S = 10  # who wants to change a table waits for us, and everybody who reads it waits behind him


@contextmanager
def session(opening: Opening) -> Iterator["PostgresSession"]:
    """A read-only transaction, kept open by a connection of its own until all tables were read.

    Raises:
        PassingError: the server does not answer.
        PermanentError: wrong password, no such database.
    """
    connection, engine = opening.source.connection, opening.engine
    assert isinstance(connection, PostgresConnection)  # noqa: S101  the caller chose by kind
    uri = opening.uri or opening.settings.connection_uri(connection.conn_id)
    options = (
        f"-c default_transaction_read_only=on -c statement_timeout={connection.statement_timeout_s}s "
        f"-c lock_timeout={LOCK_TIMEOUT_S}s -c idle_in_transaction_session_timeout=0 -c timezone=UTC"
    )
    address = make_conninfo(
        uri,
        options=options,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="wardlake",
        client_encoding="UTF8",
    )
    place = ", ".join(f"{opening.source.name}.{table}" for table in opening.source.tables)
    try:
        leader = psycopg.connect(address)
    except psycopg.Error as error:
        raise explain(error, opening.source, place) from None  # its text may hold values
    with closing(leader), ThreadPoolExecutor(1) as beside:  # there is nothing to commit
        try:
            leader.execute("set transaction isolation level repeatable read read only")
            # now() is when the transaction began: what commits between it and the snapshot is read by the next run too
            snapshot, moment = leader.execute("select pg_export_snapshot(), now()").fetchall()[0]
        except psycopg.Error as error:
            raise explain(error, opening.source, place) from None  # its text may hold values
        workers = min(2, connection.max_connections - 1)
        engine.execute(f"LOAD '{extension_file('postgres_scanner')}'")
        engine.execute(f"SET pg_pool_max_connections = {workers}")
        engine.execute("SET pg_pool_acquire_mode = 'wait'")  # the default goes over the limit
        try:
            engine.execute(f"ATTACH {as_text(address)} AS hospital (TYPE postgres, READ_ONLY)")
        except duckdb.Error as error:
            raise _told(error, opening.source, place) from None  # its text holds the password
        yield PostgresSession(opening.source, engine, leader, beside, snapshot, moment, workers)


@dataclass(frozen=True)
class PostgresSession:
    """The exported snapshot of a PostgreSQL database; `beside` asks the leader's connection while workers read."""

    source: Source
    engine: duckdb.DuckDBPyConnection
    leader: psycopg.Connection
    beside: ThreadPoolExecutor
    snapshot: str
    moment: datetime
    workers: int
    lock: Lock = field(default_factory=Lock)

    def read(self, request: Request) -> Relation:
        """The rows of a table, in ranges of its key or of its place on disk, and what the server says of them."""
        spec, place = self.source.tables[request.table], f"{self.source.name}.{request.table}"
        relation = spec.relation or ""
        try:
            with self.lock, self.leader.transaction():  # an error must not end the snapshot of the other tables
                table = describe(self.leader, relation, spec, request.columns)
        except psycopg.Error as error:
            raise explain(error, self.source, place, relation) from None
        except YoungerError:
            raise PassingError(
                f"{place}: {relation} was emptied or written anew since the snapshot of this run, which cannot show "
                "its rows any more.",
                remedy="Schedule the run at another hour than the job that does so; the task will try again.",
            ) from None
        if table is None:
            raise PermanentError(
                f"{place}: the database has no table {relation} that this user can see.",
                remedy=f"Correct 'relation' in dags/sources/{self.source.name}.yaml, or grant USAGE on its schema.",
            )
        condition = _condition(request)
        plan = table.plan(self.workers, is_whole=request.reading.is_full)
        queries = [table.select(condition, part, plan.ordered_by) for part in plan.ranges]
        try:
            columns = self._columns(queries[0])
        except duckdb.Error as error:
            raise _told(error, self.source, place) from None
        checks, exactness = self._figures(spec, table, columns)
        asked = _Beside(self.beside, partial(self._ask, table, condition, checks, exactness, place))

        def begin(cursor: duckdb.DuckDBPyConnection) -> None:
            asked.begin()
            self._join(cursor)

        return Relation(
            chunks=tuple(f"SELECT * FROM postgres_query('hospital', {as_text(query)})" for query in queries),
            columns=columns,
            facts=asked.result,
            order_by=() if plan.ordered_by else tuple(as_name(key) for key in spec.keys),
            checks=tuple(check for _, check in checks),
            begin=begin,
            workers=self.workers,
            row_group_rows=table.row_group_rows,
            explain=partial(explain_engine, source=self.source, place=place),
        )

    def _join(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Join the snapshot, which must be the first thing in a transaction."""
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.execute("SET enable_progress_bar = false")
        cursor.execute("BEGIN TRANSACTION")
        joined = f"SET TRANSACTION SNAPSHOT {as_text(self.snapshot)}"
        cursor.execute(f"CALL postgres_execute('hospital', {as_text(joined)})")

    def _columns(self, query: str) -> tuple[BronzeColumn, ...]:
        with transaction(self.engine, self._join) as cursor:
            described = cursor.execute(f"DESCRIBE SELECT * FROM postgres_query('hospital', {as_text(query)})")
            return tuple(BronzeColumn(name=name, type=type_) for name, type_, *_ in described.fetchall())

    def _figures(
        self, spec: Table, table: PostgresTable, found: Sequence[BronzeColumn]
    ) -> tuple[tuple[tuple[str, Check], ...], tuple[Exactness, ...]]:
        """Figures of the columns that bronze has; one that the contract gives another type has others in the lake."""
        in_bronze = {name: column.type.upper() for name, column in spec.columns.items()}
        if spec.new_columns:
            in_bronze = {column.name: column.type for column in found} | in_bronze
        alike = {column.name for column in found if in_bronze.get(column.name) == column.type}
        is_checked = spec.reconcile == "checksum"
        return (
            checks_of([column for column in table.columns if is_checked and column.name in alike]),
            # a number that would change is refused in any case
            exactness_of([column for column in table.columns if column.name in in_bronze]),
        )

    def _ask(
        self,
        table: PostgresTable,
        condition: str,
        checks: tuple[tuple[str, Check], ...],
        exactness: tuple[Exactness, ...],
        place: str,
    ) -> SourceFacts:
        """Count and sum at the server, in the snapshot.

        Raises:
            PermanentError: numbers would be rounded by the contract's type.
        """
        listed = ", ".join(["count(*)", *(one.sql for one in exactness), *(sql for sql, _ in checks)])
        try:
            with self.lock, self.leader.transaction():
                asked = self.leader.execute(f"select {listed} from {table.quoted} where {condition}")
                rows, *found = asked.fetchall()[0]
        except psycopg.Error as error:
            raise explain(error, self.source, place) from None
        inexact = [one.column for one, is_inexact in zip(exactness, found, strict=False) if is_inexact]
        if inexact:
            raise PermanentError(
                f"{place}: column {', '.join(inexact)} holds numbers that its type in the YAML cannot hold.",
                remedy="Give it a wider DECIMAL, or VARCHAR, which keeps every digit and what is no number, as text.",
            )
        names = [check.name for _, check in checks]
        return SourceFacts(rows, dict(zip(names, found[len(exactness) :], strict=True)))


class _Beside:
    """A question to the server, asked beside the workers once one of them begins, and answered once."""

    def __init__(self, pool: ThreadPoolExecutor, ask: Callable[[], SourceFacts]) -> None:
        self._pool, self._ask, self._lock = pool, ask, Lock()
        self._answer: Future[SourceFacts] | None = None

    def begin(self) -> Future[SourceFacts]:
        with self._lock:
            self._answer = self._answer or self._pool.submit(self._ask)
            return self._answer

    def result(self) -> SourceFacts:
        return self.begin().result()


def _told(error: duckdb.Error, source: Source, place: str) -> WardlakeError:
    return explain_engine(error, source=source, place=place) or translate(error, place)


def _condition(request: Request) -> str:
    reading = request.reading
    if reading.column is None:
        return "true"
    column = as_name(reading.column)
    ranges = reading.ranges_in_sql(column, _literal)
    return f"({' or '.join(ranges)} or {column} is null)" if all(ranges) else "true"


def _literal(bound: object) -> str:
    return as_text(bound.isoformat()) if hasattr(bound, "isoformat") else str(bound)
