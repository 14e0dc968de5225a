"""Delimited text: DuckDB's sniffer finds delimiter, quote and header; Python's parser reads the sample."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from wardlake.onboard.content import File
from wardlake.onboard.conventions import settle
from wardlake.onboard.found import FoundColumn, UnreadableError, create_text_sample, refuse_unusable
from wardlake.sql import as_name, as_text

SNIFFED_CHARACTERS = 2 * 1024**2
SNIFFED_ROWS = 20_000
NOTHING = ("(empty)", "", None)
TABLE_ENDINGS = (".csv", ".tsv", ".psv", ".gz", ".zip")
DELIMITERS_BESIDE_DECIMAL_COMMAS = (";", "\t")


@dataclass(frozen=True)
class Dialect:
    """How the text is delimited; `header_row` counts lines from 1, None: there is no header."""

    delimiter: str
    quote: str | None
    escape: str | None
    header_row: int | None
    comment: str | None = None


@dataclass
class Described:
    """What the YAML says of the files of a table beside their pattern, their columns, and what to look at."""

    spec: dict[str, object]
    columns: tuple[FoundColumn, ...]
    notes: list[str] = field(default_factory=list)


def describe(engine: duckdb.DuckDBPyConnection, files: Sequence[File], sample: str) -> Described:
    """Describe files of one pattern by the first of them, and fill the sample from all.

    Raises:
        UnreadableError: the first is no table of text.
    """
    first = files[0]
    dialect = sniff(engine, first)
    reading = _fill(engine, files, sample, dialect)
    if dialect.header_row == 1 and _looks_like_a_row(engine, sample, reading.header):
        engine.execute(f"DROP TABLE {as_name(sample)}")
        dialect = replace(dialect, header_row=None)
        reading = _fill(engine, files, sample, dialect)
    notes = list(reading.notes)
    if dialect.header_row is None:
        notes.append("no header was found: give the columns their names, in this order")
    if reading.ragged:
        notes.append(
            f"{reading.ragged:,} of the sampled rows have more or fewer columns than the header: the file is refused"
        )
    settled = settle(
        engine, sample, reading.header, len(files), prefers_comma=dialect.delimiter in DELIMITERS_BESIDE_DECIMAL_COMMAS
    )
    spec = _spec(first, dialect) | settled.spec
    return Described(spec, tuple(map(FoundColumn, reading.header)), [*notes, *settled.notes])


def _fill(engine: duckdb.DuckDBPyConnection, files: Sequence[File], sample: str, dialect: Dialect) -> "_Reading":
    reading = _Reading(dialect, header_of(files[0], dialect))
    refuse_unusable(reading.header)
    rows = create_text_sample(engine, sample, reading.header, chain.from_iterable(map(reading.rows, files)))
    is_named_table = files[0].path.suffix.lower() in TABLE_ENDINGS
    if not is_named_table and (len(reading.header) == 1 or rows < 2 or reading.ragged * 10 > rows):
        raise UnreadableError("neither its text nor its name says that it is a table")
    if reading.ragged > rows:
        raise UnreadableError("most of its lines have more or fewer columns than its header")
    return reading


def _looks_like_a_row(engine: duckdb.DuckDBPyConnection, sample: str, header: Sequence[str]) -> bool:
    """Whether what was taken for a header is a row: the sniffer cannot tell where all columns are text.

    Names of columns are no values, but a row's values come again. A header that comes again as a whole is one.
    """
    same = [f"({as_name(name)} IS NOT DISTINCT FROM {as_text(name)})" for name in header]
    again = engine.execute(
        f"SELECT {', '.join(f'bool_or({one})' for one in same)} FROM {as_name(sample)} WHERE NOT ({' AND '.join(same)})"
    ).fetchall()[0]
    return sum(map(bool, again)) * 4 >= len(header)


def _spec(file: File, dialect: Dialect) -> dict[str, object]:
    """What differs from the defaults of the YAML."""
    spec: dict[str, object] = {"format": "csv"}
    if file.encoding != "utf-8":
        spec["encoding"] = file.encoding
    if dialect.delimiter != ",":
        spec["delimiter"] = dialect.delimiter
    if dialect.quote not in ('"', None):
        spec["quote"] = dialect.quote
    if dialect.escape not in (dialect.quote, None):
        spec["escape"] = dialect.escape
    if dialect.comment:
        spec["comment"] = dialect.comment
    if dialect.header_row != 1:
        spec["header_row"] = dialect.header_row
    return spec


def sniff(engine: duckdb.DuckDBPyConnection, file: File) -> Dialect:
    """The dialect of a file of text.

    Raises:
        UnreadableError: no delimiter makes a table of it.
    """
    with _text(file) as stream:
        head = stream.read(SNIFFED_CHARACTERS)
        if stream.read(1):
            head = head[: head.rfind("\n") + 1] or head
    with TemporaryDirectory() as folder:
        path = Path(folder) / "head.csv"
        path.write_text(head, encoding="utf-8", newline="")
        dialect, columns = _sniffed(engine, path)
        if columns > 1:
            return dialect
        # lines of another width, such as notes below the table, let the sniffer see one column
        padded, columns = _sniffed(engine, path, padding=True)
    if columns == 1:
        return dialect
    widths = (len(next(csv.reader([line], **_options(padded)), [])) for line in head.splitlines())
    return replace(padded, header_row=next(number for number, width in enumerate(widths, start=1) if width == columns))


def _sniffed(engine: duckdb.DuckDBPyConnection, path: Path, *, padding: bool = False) -> tuple[Dialect, int]:
    """The dialect that DuckDB sees, and the number of columns."""
    try:
        delimiter, skipped, has_header, columns, *others = engine.execute(
            f"""
            SELECT Delimiter, SkipRows, HasHeader, len(Columns), Quote, Escape, Comment
            FROM sniff_csv($path, all_varchar = true, sample_size = {SNIFFED_ROWS}, null_padding = {padding})
            """,
            {"path": str(path)},
        ).fetchall()[0]
    except duckdb.Error:
        raise UnreadableError("no delimiter makes a table of it") from None
    quote, escape, comment = (None if value in NOTHING else value for value in others)
    return Dialect(delimiter, quote, escape, skipped + 1 if has_header else None, comment), columns


def header_of(file: File, dialect: Dialect) -> list[str]:
    """Names of the columns; without a header, numbered ones."""
    with _records(file, dialect) as records:
        first = next(records, [])
    return first if dialect.header_row is not None else [f"column_{number}" for number, _ in enumerate(first, start=1)]


@dataclass
class _Reading:
    """Rows of files with one dialect and header, and what was seen on the way."""

    dialect: Dialect
    header: list[str]
    ragged: int = 0
    notes: list[str] = field(default_factory=list)

    def rows(self, file: File) -> Iterator[list[str]]:
        try:
            with _records(file, self.dialect) as records:
                if self.dialect.header_row is not None and next(records, []) != self.header:
                    self.notes.append(f"{file.name} has another header than the first file, and would be refused")
                    return
                for record in records:
                    if len(record) == len(self.header):
                        yield record
                    elif record:
                        self.ragged += 1
        except (csv.Error, UnicodeError) as error:
            self.notes.append(f"{file.name} was read up to a place that cannot be read ({type(error).__name__})")


@contextmanager
def _text(file: File) -> Iterator[io.TextIOWrapper]:
    encoding = "utf-8-sig" if file.encoding == "utf-8" else file.encoding
    with file.open() as stream:
        yield io.TextIOWrapper(stream, encoding, newline="")


@contextmanager
def _records(file: File, dialect: Dialect) -> Iterator[Iterator[list[str]]]:
    """The header and what follows it; without a header, all rows."""
    with _text(file) as stream:
        for _ in range((dialect.header_row or 1) - 1):
            stream.readline()
        yield csv.reader(stream, **_options(dialect))


def _options(dialect: Dialect) -> dict[str, Any]:
    """The dialect as Python's parser takes it."""
    has_escape = dialect.escape not in (dialect.quote, None)
    return {
        "delimiter": dialect.delimiter,
        "quotechar": dialect.quote or '"',
        "doublequote": not has_escape,
        "escapechar": dialect.escape if has_escape else None,
    }
