"""What a PostgreSQL table looks like, and into which ranges it is cut so that two workers can read it."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from wardlake.bronze.relation import ROW_GROUP_ROWS
from wardlake.sources import Table
from wardlake.sql import as_name, as_text

HEAP_BYTES_OF_PART = 768 * 1024**2  # about 200 MB of Parquet
HEAP_BYTES_OF_ONE_PART = 32 * 1024**2
PARTS_AT_LEAST = 4  # so that both workers end at about the same time
IN_HEAP_ORDER = 0.95  # correlation of key and heap from which reading by the key touches each page about once
PAGE_BYTES = 8192
ROW_GROUP_BYTES = 48 * 1024**2
ROW_GROUP_ROWS_AT_LEAST = 2048
WIDE_NUMERIC = "numeric(38,10)"  # how a NUMERIC without precision is read if the contract does not say better
_SINGLE = ("bool", "int2", "int4", "int8", "float4", "float8", "text", "varchar", "date", "timestamp", "timestamptz")
NATIVE = frozenset((*_SINGLE, *(f"_{name}" for name in _SINGLE), "oid", "numeric", "bpchar", "bytea", "time", "uuid"))
"""Types that the scanner brings over as they are; every other type is read as its text."""
IS_MADE_SINCE = """
select 1 where to_regclass(%(table)s) is not null
and not exists (select 1 from pg_class where oid = to_regclass(%(table)s))
"""
IS_WRITTEN_ANEW = """
select 1 from pg_locks l left join pg_class c on c.oid = l.relation
where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.relation >= 16384
and pg_relation_filenode(l.relation) is distinct from nullif(c.relfilenode, 0)
limit 1
"""
"""Of the tables that this transaction has locked, below views and partitioned tables too, one whose file is another now
than in the snapshot: TRUNCATE and what writes a table anew do not heed snapshots."""


class YoungerError(Exception):
    """The table was made, emptied or written anew since the snapshot, in which it looks empty."""


@dataclass(frozen=True)
class PostgresColumn:
    """A column: its name, its type's name in pg_type, and the SQL that reads it."""

    name: str
    type: str
    at_source: str
    is_cast: bool = False

    @property
    def quoted(self) -> str:
        """The name as an identifier."""
        return as_name(self.name)


@dataclass(frozen=True)
class Plan:
    """Conditions that together hold for each row exactly once; `ordered_by` if each range comes in this order."""

    ranges: tuple[str, ...]
    ordered_by: str | None


@dataclass(frozen=True)
class PostgresTable:
    """A table, view or partitioned table. `heap_bytes` is None where rows have no place of their own (views).

    `row_group_rows` is smaller for wide rows. `key_bounds` are values of the first key column, as SQL text, that cut
    the table into parts of about equal size; they are known if the server has statistics and the table lies in the
    order of the key.
    """

    quoted: str
    columns: tuple[PostgresColumn, ...]
    keys: tuple[str, ...]
    row_group_rows: int
    heap_bytes: int | None
    key_bounds: tuple[str, ...]

    def plan(self, workers: int, *, is_whole: bool) -> Plan:
        """How to read the table; a window of it is read as one range, by the index of its cursor."""
        parts = 1
        if is_whole and self.heap_bytes is not None and self.heap_bytes > HEAP_BYTES_OF_ONE_PART and workers > 1:
            parts = max(PARTS_AT_LEAST, -(-self.heap_bytes // HEAP_BYTES_OF_PART))
        if parts == 1:
            return Plan(("true",), None)
        if self.key_bounds:
            first = self.keys[0]
            cuts = sorted({len(self.key_bounds) * part // parts for part in range(1, parts)})
            return Plan(_between(first, [as_text(self.key_bounds[cut]) for cut in cuts]), ", ".join(self.keys))
        pages = (self.heap_bytes or 0) // PAGE_BYTES
        return Plan(_between("ctid", [f"'({pages * part // parts},0)'::tid" for part in range(1, parts)]), None)

    def select(self, condition: str, part: str, ordered_by: str | None) -> str:
        """The query of a part, as the server runs it."""
        listed = ", ".join(f"{column.at_source} AS {column.quoted}" for column in self.columns)
        ordered = f" ORDER BY {ordered_by}" if ordered_by else ""
        return f"SELECT {listed} FROM {self.quoted} WHERE {condition} AND {part}{ordered}"


def describe(
    connection: psycopg.Connection, relation: str, spec: Table, wanted: Sequence[str] | None
) -> PostgresTable | None:
    """What the server knows of `schema.table`; None if there is no such table for this user.

    Raises:
        psycopg.Error: the user may not read the table, or the server is gone.
        YoungerError: the snapshot cannot show the table's rows.
    """
    schema, _, name = relation.rpartition(".")
    quoted = f"{as_name(schema or 'public')}.{as_name(name)}"
    found = connection.execute(
        """
        select a.attname::text, t.typname::text, t.typtype::text, a.atttypmod, c.relkind::text, pg_relation_size(c.oid),
            case when c.reltuples > 0 then pg_table_size(c.oid) / c.reltuples else 0 end
        from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_class c on c.oid = a.attrelid
        where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped
        order by a.attnum
        """,
        [quoted],
    ).fetchall()
    if not found:
        if connection.execute(IS_MADE_SINCE, {"table": quoted}).fetchone():
            raise YoungerError
        return None
    connection.execute(f"select 1 from {quoted} limit 0")  # from here on nobody can empty it or write it anew
    if connection.execute(IS_WRITTEN_ANEW).fetchone():
        raise YoungerError
    kind, heap_bytes, row_bytes = found[0][4:]
    columns = [_column(spec, name, type_, kind_, typmod) for name, type_, kind_, typmod, *_ in found]
    is_table = kind == "r"
    return PostgresTable(
        quoted,
        tuple(column for column in columns if wanted is None or column.name in wanted),
        tuple(as_name(key) for key in spec.keys),
        max(ROW_GROUP_ROWS_AT_LEAST, min(ROW_GROUP_ROWS, int(ROW_GROUP_BYTES // max(row_bytes, 1)))),
        heap_bytes if is_table else None,
        _key_bounds(connection, quoted, spec.keys[0]) if is_table else (),
    )


def _column(spec: Table, name: str, type_: str, kind: str, typmod: int) -> PostgresColumn:
    quoted = as_name(name)
    if type_ == "numeric":
        precision = (typmod - 4) >> 16 if typmod != -1 else None
        contract = spec.columns[name].type.upper() if name in spec.columns else ""
        if contract == "VARCHAR":
            return PostgresColumn(name, "text", f"{quoted}::text")
        if precision is not None and precision <= 38:
            return PostgresColumn(name, type_, quoted)
        wide = contract.replace("DECIMAL", "numeric") if contract.startswith("DECIMAL(") else WIDE_NUMERIC
        return PostgresColumn(name, type_, f"{quoted}::{wide}", is_cast=True)
    if type_ in NATIVE and kind == "b":
        return PostgresColumn(name, type_, quoted)
    return PostgresColumn(name, "text", f"{quoted}::text")


def _key_bounds(connection: psycopg.Connection, quoted: str, key: str) -> tuple[str, ...]:
    """Bounds of the server's histogram of an indexed key in whose order the table lies; else nothing.

    Statistics may be old: the outermost ranges are open, so that they can unbalance the parts and lose nothing.
    """
    found = connection.execute(
        """
        select s.histogram_bounds::text::text[]
        from pg_stats s
        join pg_attribute a on a.attrelid = to_regclass(%(table)s) and a.attname = s.attname
        join pg_index i on i.indrelid = a.attrelid and i.indkey[0] = a.attnum and i.indisvalid and i.indpred is null
        join pg_class c on c.oid = a.attrelid and c.relname = s.tablename
        join pg_namespace n on n.oid = c.relnamespace and n.nspname = s.schemaname
        where s.attname = %(key)s and a.attnotnull and abs(s.correlation) >= %(order)s
        limit 1
        """,
        {"table": quoted, "key": key, "order": IN_HEAP_ORDER},
    ).fetchone()
    return tuple(found[0] or ()) if found else ()


def _between(column: str, cuts: Sequence[str]) -> tuple[str, ...]:
    low = ["true", *(f"{column} >= {cut}" for cut in cuts)]
    high = [*(f"{column} < {cut}" for cut in cuts), "true"]
    return tuple(f"{first} AND {last}" for first, last in zip(low, high, strict=True))
