"""Rows of SQLite files: a copy is made first, so that all tables show one moment and nobody waits for the reader.

SQLite lets each value have a type of its own. The rows that are wanted are put into a strict table of the copy, which
refuses a value of another type than its column; DuckDB's scanner reads that table.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from urllib.parse import quote

import duckdb

from wardlake.bronze.checks import Dialect, Figure, figures_of
from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.reading import Bound, Reading
from wardlake.bronze.relation import Opening, Relation, Request, SourceFacts
from wardlake.bronze.work import work_folder
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.sources import Source
from wardlake.sources.connections import SqliteConnection
from wardlake.sql import as_name, as_text
from wardlake.warehouse.connection import extension_file

BUSY_S = 30
STRICT_TYPES = {"BIGINT": "INTEGER", "DOUBLE": "REAL", "BLOB": "BLOB"}
ISO_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
EXACT = 2**53
"""Whole numbers up to this one have a double of their own."""


@contextmanager
def session(opening: Opening) -> Iterator["SqliteSession"]:
    """A copy of the file, made by SQLite's own backup, which waits for a writer and makes it wait for that time only.

    Raises:
        PermanentError: there is no such file, or it is no SQLite database.
        PassingError: a writer holds it.
    """
    source = opening.source
    assert isinstance(source.connection, SqliteConnection)  # noqa: S101  the caller chose by kind
    path = opening.settings.project_root / source.connection.path
    if not path.is_file():
        raise PermanentError(
            f"{source.name}: there is no file {path}.", remedy=f"Correct 'path' in dags/sources/{source.name}.yaml."
        )
    opening.engine.execute(f"LOAD '{extension_file('sqlite_scanner')}'")
    with work_folder(opening.settings, "extract") as folder:
        copy = folder / "copy.db"
        moment, deadline = datetime.now(UTC), time.monotonic() + BUSY_S

        def check_patience(*_: object) -> None:
            if time.monotonic() > deadline:
                raise TimeoutError

        try:
            with (
                closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=1)) as original,
                closing(sqlite3.connect(copy)) as target,
            ):
                original.backup(target, progress=check_patience)  # by itself it waits for ever
                target.execute("PRAGMA journal_mode = DELETE")
        except TimeoutError:
            raise PassingError(
                f"{source.name}: another program has held the SQLite file {path} for {BUSY_S} s.",
                remedy="Read it at a quieter hour ('hours' in its YAML); the task will try again.",
            ) from None
        except sqlite3.Error as error:
            raise _explain(error, source, str(path)) from None
        yield SqliteSession(opening, copy, moment)


@dataclass(frozen=True)
class _Column:
    """A column: its DuckDB type in bronze, and whether its values are kept as text, whatever they are."""

    name: str
    type: str
    is_any: bool

    @property
    def definition(self) -> str:
        """The column of the strict table."""
        name, type_ = as_name(self.name), STRICT_TYPES.get(self.type, "TEXT")
        if self.type in ("DATE", "TIMESTAMP"):
            time = "''" if self.type == "DATE" else f"substr({name}, 11)"
            pattern = ISO_DAY + ("" if self.type == "DATE" else "*")
            # a zone would be lost
            condition = f"{name} GLOB '{pattern}' AND {time} NOT GLOB '*[-+Zz]*'"
            return f"{name} TEXT CONSTRAINT {as_name('column ' + self.name)} CHECK ({condition})"
        return f"{name} {type_}"

    @property
    def original(self) -> str:
        """The value for the strict table, from the original one."""
        name = as_name(self.name)
        if self.is_any:
            return f"CASE typeof({name}) WHEN 'real' THEN printf('%!.17g', {name}) ELSE {name} END"
        if self.type == "DOUBLE":
            # a blob is what the strict table refuses
            is_inexact = f"typeof({name}) = 'integer' AND {name} NOT BETWEEN -{EXACT} AND {EXACT}"
            return f"CASE WHEN {is_inexact} THEN x'00' ELSE {name} END"
        return name

    @property
    def scan(self) -> str:
        """The value for bronze, from DuckDB's scanner, which does not check a text's bytes."""
        name = as_name(self.name)
        return f"decode(encode({name}))" if self.type == "VARCHAR" else f"CAST({name} AS {self.type})"


@dataclass(frozen=True)
class SqliteSession:
    """A copy of a file."""

    opening: Opening
    copy: Path
    moment: datetime
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def snapshot(self) -> str:
        """When the copy was begun."""
        return self.moment.isoformat()

    def read(self, request: Request) -> Relation:
        """The rows of a table, and what SQLite says of them."""
        source = self.opening.source
        spec = source.tables[request.table]
        name = (spec.relation or "").rpartition(".")[2]
        place, wanted = f"{source.name}.{request.table}", f"wardlake_{next(self.numbers)}"
        with closing(sqlite3.connect(self.copy)) as connection:
            try:
                found = connection.execute(
                    "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1", [name]
                ).fetchall()
                if not found:
                    raise PermanentError(
                        f"{place}: the file has no table {name}.",
                        remedy=f"Correct 'relation' in dags/sources/{source.name}.yaml.",
                    )
                declared = {column: spec_.type.upper() for column, spec_ in spec.columns.items()}
                columns = [
                    _column(column, type_, declared.get(column, ""))
                    for column, type_ in found
                    if request.columns is None or column in request.columns
                ]
                condition = _condition(request.reading, columns)
                connection.execute(
                    f"CREATE TABLE {wanted} ({', '.join(column.definition for column in columns)}) STRICT"
                )
                connection.execute(
                    f"INSERT INTO {wanted} SELECT {', '.join(column.original for column in columns)} "
                    f"FROM {as_name(name)} WHERE {condition}"
                )
                connection.commit()
            except sqlite3.Error as error:
                raise _explain(error, source, name, request.table) from None
        bronze = tuple(BronzeColumn(name=column.name, type=column.type) for column in columns)
        figures = figures_of(spec, bronze, DIALECT, only_counted=[column.name for column in columns if column.is_any])
        listed = ", ".join(f"{column.scan} AS {as_name(column.name)}" for column in columns)
        dates = [column.name for column in columns if column.type in ("DATE", "TIMESTAMP")]
        return Relation(
            chunks=(f"SELECT {listed} FROM sqlite_scan({as_text(str(self.copy))}, '{wanted}')",),
            columns=bronze,
            facts=lambda: self._facts(name, condition, figures),
            order_by=tuple(as_name(key) for key in spec.keys),
            checks=tuple(figure.check for figure in figures),
            explain=lambda error: _explain_value(error, place, dates),
        )

    def _facts(self, name: str, condition: str, figures: Sequence[Figure]) -> SourceFacts:
        """Counted over the table as it was, not over the strict one."""
        asked = ", ".join(["count(*)", *(figure.source_sql for figure in figures)])
        query = f"SELECT {asked} FROM {as_name(name)} WHERE {condition}"
        with closing(sqlite3.connect(self.copy)) as connection:
            try:
                rows, *said = connection.execute(query).fetchone()
            except sqlite3.OperationalError:  # integer overflow
                connection.create_aggregate("sum", 1, _Sum)  # type: ignore[arg-type]  # the stubs want an int
                rows, *said = connection.execute(query).fetchone()
        names = [figure.check.name for figure in figures]
        return SourceFacts(
            rows, {name: None if value is None else int(value) for name, value in zip(names, said, strict=True)}
        )


class _Sum:
    """A sum without SQLite's limit of 64 bits; as text, for the same reason."""

    def __init__(self) -> None:
        self.total: int | None = None

    def step(self, value: int | None) -> None:
        if value is not None:
            self.total = (self.total or 0) + value

    def finalize(self) -> str | None:
        return None if self.total is None else str(self.total)


def _column(name: str, type_: str, declared: str) -> _Column:
    """SQLite's rules for declared types, and dates by their name; a column that the contract calls text is text."""
    upper = type_.upper()
    if declared == "VARCHAR" and not any(word in upper for word in ("CHAR", "CLOB", "TEXT")):
        return _Column(name, "VARCHAR", is_any=True)
    if upper == "DATE":
        found = "DATE"
    elif upper.startswith(("DATETIME", "TIMESTAMP")):
        found = "TIMESTAMP"
    elif "INT" in upper or "BOOL" in upper:
        found = "BIGINT"
    elif any(word in upper for word in ("CHAR", "CLOB", "TEXT")):
        found = "VARCHAR"
    elif "BLOB" in upper or not upper:
        found = "BLOB"
    else:
        found = "DOUBLE"
    return _Column(name, found, is_any=False)


def _condition(reading: Reading, columns: Sequence[_Column]) -> str:
    """The rows of a reading; a cursor that is no time counts as a row without one, and the strict table refuses it."""
    if reading.column is None:
        return "true"
    name = as_name(reading.column)
    type_ = next((column.type for column in columns if column.name == reading.column), "")
    if type_ == "DATE":
        name = f"date({name})"
    elif type_ == "TIMESTAMP":
        name = f"strftime('%Y-%m-%d %H:%M:%f', {name})"
    ranges = [each or "true" for each in reading.ranges_in_sql(name, _literal)]
    return " OR ".join([*ranges, f"{name} IS NULL"])


def _literal(bound: Bound) -> str:
    if isinstance(bound, datetime):
        return f"'{bound.isoformat(sep=' ', timespec='milliseconds')}'"
    return f"'{bound.isoformat()}'" if isinstance(bound, date) else f"{bound:f}"


def _explain(error: sqlite3.Error, source: Source, place: str, table: str | None = None) -> WardlakeError:
    named, text = f"{source.name}.{table}" if table else source.name, str(error)
    code = getattr(error, "sqlite_errorname", "")
    if code.startswith("SQLITE_FULL"):
        return PermanentError(f"{named}: the disk is full.", remedy="Free room below WARDLAKE_HOME, then run again.")
    if isinstance(error, sqlite3.IntegrityError):
        # 'cannot store TEXT value in INTEGER column wardlake_0.beds', 'CHECK constraint failed: column beds'
        column = text.rpartition(" ")[2].rpartition(".")[2]
        return PermanentError(
            f"{named}: column '{column}' of {place} holds a value of another type than the column has, or a date that "
            "is not written as 2026-01-31 or 2026-01-31 10:30:00, without a zone.",
            remedy="Have it corrected, or declare the column VARCHAR: its values are then kept as text.",
        )
    return PermanentError(
        f"{named}: {place} cannot be read as a SQLite database ({code or type(error).__name__}).",
        remedy="Check the file; a damaged or encrypted one cannot be read.",
    )


def _explain_value(error: duckdb.Error, place: str, dates: Sequence[str]) -> WardlakeError | None:
    """The values were of the right type, but DuckDB has no text or date for one of them."""
    if not isinstance(error, duckdb.ConversionException):
        return None
    if "utf8" in str(error).lower():
        return PermanentError(
            f"{place}: a text column holds bytes that are no UTF-8.",
            remedy="Have them corrected, or read the column as a BLOB through a view: CAST(... AS BLOB).",
        )
    return PermanentError(
        f"{place}: {' or '.join(dates)} holds a text that looks like a date and is none.",
        remedy="Have it corrected, or declare the column VARCHAR: its values are then kept as text.",
    )


DIALECT = Dialect(
    as_name,
    whole="INTEGER",
    characters="length({})",
    lake_characters="length(split_part({}, chr(0), 1))",  # SQLite counts up to a NUL
    bytes="length({})",
)
