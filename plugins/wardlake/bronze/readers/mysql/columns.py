"""How the columns of a MySQL table are read, so that no value changes on the way.

The scanner reads most columns as they are. It has no exact type for some, and cannot name others: a table that has one
of these is read in pages, by queries that cast it at the source.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.mysql.faults import Place, explain, missing
from wardlake.bronze.readers.mysql.server import ATTACHED, Server, backtick, double, quoted
from wardlake.errors import PermanentError
from wardlake.sources import Table

DATES = ("date", "datetime", "timestamp")
COLLECTIONS = ("geometrycollection", "geomcollection")
INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
KNOWN = (
    *DATES, *COLLECTIONS, *INTEGERS, "decimal", "float", "double", "bit", "time", "year", "char", "varchar",
    "tinytext", "text", "mediumtext", "longtext", "json", "enum", "set", "uuid", "inet4", "inet6", "binary",
    "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry", "point", "linestring", "polygon",
    "multipoint", "multilinestring", "multipolygon",
)  # fmt: skip
WIDEST_DECIMAL = 38


@dataclass(frozen=True)
class Column:
    """A column of the server: `type` is its DuckDB type in bronze.

    `scan` is an expression of DuckDB over the scanner's column, None if the scanner would change or miss a value.
    `page` is an expression of the server, whose result DuckDB casts to `type`.
    """

    name: str
    source_type: str
    is_nullable: bool
    is_key: bool
    type: str
    scan: str | None
    page: str

    @property
    def is_date(self) -> bool:
        """Whether a zero in it (0000-00-00) would have no counterpart in the lake."""
        return self.source_type in DATES and self.type != "VARCHAR"


@dataclass(frozen=True)
class Shape:
    """A table as the server has it."""

    schema: str
    name: str
    columns: tuple[Column, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns of the primary key, in whose order InnoDB hands out the rows."""
        return tuple(column.name for column in self.columns if column.is_key)

    @property
    def page_key(self) -> str | None:
        """The primary key, if it is one integer, along which the table can be read in pages."""
        keys = [column for column in self.columns if column.is_key]
        return keys[0].name if len(keys) == 1 and keys[0].source_type in INTEGERS else None

    def find(self, names: Sequence[str], place: Place) -> tuple[Column, ...]:
        """Columns by name, in the order of the names.

        Raises:
            PermanentError: the table does not have one of them.
        """
        by_name = {column.name: column for column in self.columns}
        if lacking := [name for name in names if name not in by_name]:
            raise PermanentError(
                f"{place}: {place.relation} has no column {', '.join(lacking)}.",
                remedy=f"Correct 'keys' in dags/sources/{place.source.name}.yaml.",
            )
        return tuple(by_name[name] for name in names)


def shape_of(server: Server, table: Table, place: Place, schema: str, name: str) -> Shape:
    """Ask the server for the columns of a table or view.

    Raises:
        PermanentError: there is no such table that the user can see, two whose names differ in case only, or a column
            of a type that Wardlake does not know.
    """
    found = server.rows(
        "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR), CAST(data_type AS CHAR), "
        "CAST(is_nullable AS CHAR), CAST(column_key AS CHAR), CAST(numeric_precision AS SIGNED) "
        f"FROM information_schema.columns WHERE table_schema = {quoted(schema)} "
        f"AND lower(table_name) = lower({quoted(name)}) ORDER BY ordinal_position"
    )
    names = {row[0] for row in found}
    if not names:
        raise missing(place)
    if len(names) > 1:
        raise PermanentError(
            f"{place}: the database has several tables {place.relation} whose names differ in case only.",
            remedy="Have the table that is wanted renamed, or shown by a view of another name.",
        )
    actual = names.pop()
    try:
        described = server.engine.execute(
            f"DESCRIBE SELECT * FROM {ATTACHED}.{double(schema)}.{double(actual)}"
        ).fetchall()
    except duckdb.Error as error:
        raise explain(error, place) or missing(place) from None
    scanned = {name: type_ for name, type_, *_ in described}
    columns = []
    for _, column, source_type, is_nullable, key, precision in found:
        if source_type not in KNOWN:
            raise PermanentError(
                f"{place}: column '{column}' has the type {source_type}, which Wardlake cannot read.",
                remedy="Read a view that leaves it out or casts it, such as CAST(... AS CHAR).",
            )
        declared = table.columns.get(column)
        type_, scan, page = _way(
            column, source_type, precision or 0, scanned[column], declared.type.upper() if declared else ""
        )
        columns.append(Column(column, source_type, is_nullable == "YES", key == "PRI", type_, scan, page))
    return Shape(schema, actual, tuple(columns))


def bronze_columns(columns: Sequence[Column]) -> tuple[BronzeColumn, ...]:
    """The columns as bronze has them."""
    return tuple(BronzeColumn(name=column.name, type=column.type) for column in columns)


def _way(name: str, source_type: str, precision: int, scanned: str, declared: str) -> tuple[str, str | None, str]:
    """Type in bronze, expression over the scanner's column, expression of the server."""
    source, text = backtick(name), f"CAST({backtick(name)} AS CHAR)"
    if source_type == "decimal" and precision > WIDEST_DECIMAL:
        return "VARCHAR", None, text  # the scanner makes it a double
    if source_type in DATES and declared == "VARCHAR":
        return "VARCHAR", None, text
    if source_type in COLLECTIONS:
        return "BLOB", None, source  # the scanner takes it for text
    scan = double(name)
    type_ = scanned
    if source_type == "timestamp":
        scan, type_ = f"{double(name)} AT TIME ZONE 'UTC'", "TIMESTAMP WITH TIME ZONE"
    is_text = source_type == "decimal" or (type_ == "VARCHAR" and source_type != "time")
    # the scanner does not double a backtick, and doubles a backslash
    return type_, None if "`" in name or "\\" in name else scan, text if is_text else source
