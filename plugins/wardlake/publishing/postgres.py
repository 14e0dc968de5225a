"""Gold as a schema of a PostgreSQL database, for tools that speak only that.

A publication replaces the rows of all tables in one transaction: a reader sees the former rows until it commits, in
every statement all tables of one publication, in a transaction with isolation level `repeatable read` the same one from
beginning to end; and it waits for nobody. Tables keep their identity, so that grants and views of others stay. (Schemas
that are built aside and renamed would do neither: names are looked up outside of a transaction's snapshot, and a
`repeatable read` transaction finds the new tables empty.)

Only a table whose columns have changed is built aside and exchanged, in the moment before the commit.
"""

import io
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
import pyarrow as pa
from psycopg import Connection, errors, sql
from psycopg.conninfo import conninfo_to_dict
from pyarrow import csv

from wardlake.errors import PassingError, PermanentError
from wardlake.publishing.gold_file import GoldFile, GoldTable, description_of
from wardlake.publishing.record import Publication
from wardlake.settings import Settings

CONNECT_TIMEOUT_S = 10
READERS_WAIT_MS = 500
"""Longest time for which readers may queue behind the exchange of a table; shorter than `deadlock_timeout`, so that no
reader is ever chosen as the victim of a deadlock."""
NEXT = "__next"
TYPES = {
    pa.bool_(): "boolean",
    pa.int8(): "smallint",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp without time zone",
}

Columns = Mapping[str, str]
"""Type of each column, as PostgreSQL prints it."""


def place(settings: Settings) -> str:
    """The address that readers use, without user and password."""
    parts = conninfo_to_dict(_uri(settings))
    host, port = parts.get("host", "localhost"), parts.get("port", 5432)
    return f"database {parts.get('dbname')} on {host}, port {port}, schema gold"


def show(settings: Settings, publication: Publication, gold: GoldFile) -> None:
    """Replace the published rows; if they are of this publication already, nothing happens.

    Raises:
        PermanentError: the database refused it, or an object of somebody else stands in the way.
        PassingError: the database did not answer, or is in use all the time.
    """
    with _connected(settings) as connection:
        with connection.transaction():
            connection.execute(f"set local lock_timeout = '{settings.lock_wait_s}s'")
            connection.execute("select pg_advisory_xact_lock(hashtext('wardlake gold'))")
            _prepare(connection, settings)
            if connection.execute("select publication_id from gold.publication").fetchone() == (
                publication.publication_id,
            ):
                return
            changed = [table.name for table in gold.tables if _fill(connection, table, gold)]
            wide = {name.partition(".")[2] for name in publication.wide_reading if name in publication.tables}
            _exchange(connection, settings, changed, _former(connection, gold), wide)
            _describe(connection, gold)
            _grant(connection, settings)
            connection.execute("delete from gold.publication")
            connection.execute(
                "insert into gold.publication values (%s, %s, %s)",
                [publication.publication_id, publication.build_id, publication.published_at],
            )
        connection.autocommit = True
        for table in (*(table.name for table in gold.tables), "publication"):
            # room of the former rows for the next ones; giving it back to the disk would block readers
            connection.execute(_sql("vacuum (analyze, truncate false) gold.{}", table))


def _prepare(connection: Connection, settings: Settings) -> None:
    for schema in ("gold", "gold_wide"):
        connection.execute(_sql("create schema if not exists {}", schema))
    connection.execute(
        "create table if not exists gold.publication (publication_id text, build_id text, published_at timestamptz)"
    )
    for role in (settings.gold_reader_role, settings.wide_reader_role):
        if not connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
            connection.execute(_sql("create role {} nologin", role))


def _fill(connection: Connection, table: GoldTable, gold: GoldFile) -> bool:
    """Replace the rows of a table; True if they went into a new one, as its columns have changed."""
    columns = {field.name: _type(table.name, field) for field in table.schema}
    changed = _columns(connection, table.name) != columns
    target = table.name + NEXT if changed else table.name
    if changed:
        listed = sql.SQL(", ").join(_sql(f"{{}} {type_}", name) for name, type_ in columns.items())
        connection.execute(sql.SQL("create table gold.{} ({})").format(sql.Identifier(target), listed))
    else:
        connection.execute(_sql("delete from gold.{}", target))
    with connection.cursor().copy(_sql("copy gold.{} from stdin (format csv)", target)) as copy:
        for batch in gold.batches(table.name):
            text = io.BytesIO()
            csv.write_csv(batch, text, csv.WriteOptions(include_header=False))
            copy.write(text.getbuffer())
    return changed


def _exchange(
    connection: Connection, settings: Settings, changed: list[str], former: list[str], wide: set[str]
) -> None:
    """Put new tables in the place of those whose columns have changed, and drop what gold no longer has.

    `gold_wide` gets a view of each table in `wide`, and keeps no other.
    """
    there = connection.execute("select viewname from pg_views where schemaname = 'gold_wide' order by 1").fetchall()
    tables = [*(name for name in changed if _columns(connection, name)), *former]
    views = [name for (name,) in there if name not in wide or name in tables]
    # in the order in which a reader of a view locks both
    _lock(connection, settings, [("gold_wide", name) for name in views] + [("gold", name) for name in tables])
    for name in views:
        connection.execute(_sql("drop view gold_wide.{}", name))
    for name in tables:
        connection.execute(_sql("drop table gold.{}", name))
    for name in changed:
        connection.execute(_sql("alter table gold.{} rename to {}", name + NEXT, name))
    for name in sorted(wide - ({name for (name,) in there} - set(views))):
        connection.execute(_sql("create view gold_wide.{} as select * from gold.{}", name, name))


def _lock(connection: Connection, settings: Settings, relations: list[tuple[str, str]]) -> None:
    """Wait for the readers of these relations, a moment at a time, in which new readers queue behind us."""
    deadline = time.monotonic() + settings.lock_wait_s
    while relations:
        try:
            with connection.transaction():
                connection.execute(f"set local lock_timeout = {READERS_WAIT_MS}")
                listed = sql.SQL(", ").join(sql.Identifier(*relation) for relation in relations)
                connection.execute(sql.SQL("lock table {} in access exclusive mode").format(listed))
            break
        except errors.LockNotAvailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(READERS_WAIT_MS / 1000)


def _former(connection: Connection, gold: GoldFile) -> list[str]:
    kept = {"publication"} | {name for table in gold.tables for name in (table.name, table.name + NEXT)}
    there = connection.execute("select tablename from pg_tables where schemaname = 'gold' order by 1").fetchall()
    return [name for (name,) in there if name not in kept]


def _columns(connection: Connection, table: str) -> Columns:
    return dict(
        connection.execute(
            """
            select attname, format_type(atttypid, atttypmod) from pg_attribute
            where attrelid = to_regclass(format('gold.%%I', %s::text)) and attnum > 0 and not attisdropped
            order by attnum
            """,
            [table],
        ).fetchall()
    )


def _describe(connection: Connection, gold: GoldFile) -> None:
    for table in gold.tables:
        name = sql.Identifier("gold", table.name)
        connection.execute(sql.SQL("comment on table {} is {}").format(name, table.description))
        for field in table.schema:
            column = sql.Identifier("gold", table.name, field.name)
            connection.execute(sql.SQL("comment on column {} is {}").format(column, description_of(field)))


def _grant(connection: Connection, settings: Settings) -> None:
    for role, schemas in (
        (settings.gold_reader_role, ("gold", "gold_wide")),
        (settings.wide_reader_role, ("gold_wide",)),
    ):
        for schema in schemas:
            connection.execute(_sql("grant usage on schema {} to {}", schema, role))
            connection.execute(_sql("grant select on all tables in schema {} to {}", schema, role))


def _type(table: str, field: pa.Field) -> str:
    kind = field.type
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind) and kind.tz:
        return "timestamp with time zone"
    if kind not in TYPES:
        raise PermanentError(
            f"gold.{table}.{field.name}: its type has no counterpart in PostgreSQL.",
            remedy="Give the column one of the types of the other gold columns in the contract of its model.",
        )
    return TYPES[kind]


def _sql(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*(sql.Identifier(name) for name in names))


def _uri(settings: Settings) -> str:
    return settings.gold_postgres_uri.get_secret_value() if settings.gold_postgres_uri else ""


@contextmanager
def _connected(settings: Settings) -> Iterator[Connection]:
    """A connection whose errors say what to do, and show no value."""
    where = f"Gold could not be published to PostgreSQL ({place(settings)})"
    try:
        with psycopg.connect(
            _uri(settings), connect_timeout=CONNECT_TIMEOUT_S, application_name="wardlake publish"
        ) as connection:
            yield connection
    except errors.LockNotAvailable as error:
        raise PassingError(
            f"{where}: a table whose columns have changed is in use all the time.",
            remedy="End long transactions of its readers (pg_stat_activity shows them), then publish again.",
        ) from error
    except errors.DependentObjectsStillExist as error:
        raise PermanentError(
            f"{where}: {error.diag.message_detail}.",
            remedy="Drop what uses a table of gold that leaves or has other columns, publish again, then make it anew.",
        ) from error
    except errors.InsufficientPrivilege as error:
        raise PermanentError(
            f"{where}: {error.diag.message_primary}.",
            remedy="Let the user of WARDLAKE_GOLD_POSTGRES_URI own the database, and make the roles "
            f"{settings.gold_reader_role} and {settings.wide_reader_role} (create role … nologin).",
        ) from error
    except psycopg.OperationalError as error:
        raise PassingError(
            f"{where}: the server did not answer or closed the connection ({type(error).__name__}).",
            remedy="Check WARDLAKE_GOLD_POSTGRES_URI and that the server runs, then publish again.",
        ) from error
    except psycopg.Error as error:
        raise PermanentError(
            f"{where}: the server refused the work ({type(error).__name__}, SQLSTATE {error.sqlstate}).",
            remedy="The log of the server has the details.",
        ) from error
