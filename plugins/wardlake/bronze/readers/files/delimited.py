"""Rows of delimited text (CSV, TSV and their relatives): DuckDB reads them, Arrow's parser counts them."""

import csv
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow
import pyarrow.csv

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.files.formats import BrokenFileError, FileRows
from wardlake.bronze.readers.files.segments import Segments, cut, parsed
from wardlake.bronze.readers.files.utf8 import LONGEST_RECORD
from wardlake.sources import Table
from wardlake.sources.files import CsvFiles
from wardlake.sql import as_name, as_text

WORKERS = 2
ARROW_BLOCKS = (512 * 1024, 2 * LONGEST_RECORD)
"""Bytes that Arrow parses at a time, of which it holds several: the larger if a record does not fit in the smaller."""
DUCKDB_BUFFER = 2 * LONGEST_RECORD
"""Bytes that DuckDB reads at a time; its own choice, 32 MB, is a good part of an extraction's memory."""
UTF8_MARK = b"\xef\xbb\xbf"
UNDERSTOOD = {
    "Expected Number of Columns": "another number of columns than the header",
    "unterminated quote": "a quote that is never closed, or stands inside a quoted value",
    "Maximum line size": f"more than {LONGEST_RECORD:,} bytes",
}


def load(engine: duckdb.DuckDBPyConnection, spec: CsvFiles, table: Table, path: Path, work: Path) -> FileRows:
    """The rows of a file. `_line` is the record's number in the file, preamble and header included.

    Raises:
        BrokenFileError: wrong encoding, no header, another number of columns in a row, a quote that is never closed.
    """
    segments = cut(path, spec, work)
    header = segments.header or tuple(table.columns)
    _check_header(header)
    before = spec.header_row or 0
    queries, records = [], 0
    with ThreadPoolExecutor(WORKERS) as pool:
        counts = [pool.submit(_count, spec, segment, len(header)) for segment in segments.paths]
        for segment, count in zip(segments.paths, counts, strict=True):
            queries.append(_records(spec, segments, segment, header, before + records))
            try:
                records += count.result()
            except _BrokenRecordError as error:
                raise BrokenFileError(_told(before + records + error.number, error.reason)) from None
    if len(queries) == 1:
        _check(engine, queries[0], before, records)
    left_out = 0
    if spec.totals:
        is_total = _is_total(spec, header)
        left_out = sum(_number(engine, f"SELECT count(*) FROM ({query}) WHERE {is_total}") for query in queries)
        queries = [f"SELECT * FROM ({query}) WHERE NOT ({is_total})" for query in queries]
    listed = ", ".join([*(_value(spec, name) for name in header), "_line"])
    parts = tuple(f"SELECT {listed} FROM ({query})" for query in queries)
    with path.open("rb") as stream:
        has_mark = stream.read(len(UTF8_MARK)) == UTF8_MARK
    return FileRows(
        query=" UNION ALL ".join(parts),
        columns=tuple(BronzeColumn(name=name, type="VARCHAR") for name in header),
        rows=records - left_out,
        left_out_rows=left_out,
        byte_order_mark=has_mark,
        parts=parts if len(parts) > 1 else (),
    )


def _check_header(header: tuple[str, ...]) -> None:
    folded = [name.casefold() for name in header]
    if twice := sorted({name for name in header if folded.count(name.casefold()) > 1}):
        raise BrokenFileError(f"its header names {twice} twice")


def _records(spec: CsvFiles, segments: Segments, path: Path, header: tuple[str, ...], before: int) -> str:
    """A query for the records of a segment, which comes after `before` others."""
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(header)))
    renamed = ", ".join(f"c{number} AS {as_name(name)}" for number, name in enumerate(header))
    line_end = segments.line_end.replace("\r", "\\r").replace("\n", "\\n")
    return f"""
        SELECT {renamed}, {before} + row_number() OVER () AS _line
        FROM read_csv(
            {as_text(str(path))}, auto_detect = false, header = false, columns = {{{columns}}},
            delim = {as_text(spec.delimiter)}, quote = {as_text(spec.quote or "")},
            escape = {as_text(spec.escape or spec.quote or "")}, new_line = '{line_end}',
            nullstr = [{", ".join(as_text(text) for text in ("", *spec.null_text))}],
            max_line_size = {LONGEST_RECORD}, buffer_size = {DUCKDB_BUFFER}
        )
    """


@dataclass
class _Ragged:
    """Remembers the first record that has another number of columns."""

    number: int = 0

    def __call__(self, row: pyarrow.csv.InvalidRow) -> str:
        self.number = self.number or row.number
        return "error"


class _TooLongError(Exception):
    """A record is longer than a block."""


class _BrokenRecordError(Exception):
    """A record of a segment, counted from 1, that cannot be one; `reason` is a key of `UNDERSTOOD`."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(number, reason)
        self.number, self.reason = number, reason


def _count(spec: CsvFiles, path: Path, columns: int) -> int:
    """Number of records of a segment, by another parser than the one that reads them."""
    if not path.stat().st_size:
        return 0
    if not f"{spec.delimiter}{spec.quote or ''}{spec.escape or ''}".isascii():
        return _count_slowly(spec, path, columns)
    smaller, larger = ARROW_BLOCKS
    try:
        return _count_by_arrow(spec, path, columns, smaller)
    except _TooLongError:
        pass
    try:
        return _count_by_arrow(spec, path, columns, larger)
    except _TooLongError:
        raise BrokenFileError(f"it has a record of more than {LONGEST_RECORD:,} bytes") from None


def _count_by_arrow(spec: CsvFiles, path: Path, columns: int, block_bytes: int) -> int:
    ragged = _Ragged()
    names = [f"c{number}" for number in range(columns)]
    try:
        with pyarrow.csv.open_csv(
            path,
            pyarrow.csv.ReadOptions(column_names=names, block_size=block_bytes, use_threads=False),
            pyarrow.csv.ParseOptions(
                delimiter=spec.delimiter,
                quote_char=spec.quote or False,
                double_quote=spec.escape is None,
                escape_char=spec.escape or False,
                newlines_in_values=True,
                ignore_empty_lines=columns > 1,
                invalid_row_handler=ragged,
            ),
            pyarrow.csv.ConvertOptions(include_columns=names[:1], column_types={names[0]: pyarrow.binary()}),
        ) as reader:
            return sum(batch.num_rows for batch in reader)
    except pyarrow.ArrowInvalid as error:
        if ragged.number:
            raise _BrokenRecordError(ragged.number, "Expected Number of Columns") from None
        if "straddling" in str(error):
            raise _TooLongError from None
        raise BrokenFileError("it is no delimited text in the YAML's dialect") from None


def _count_slowly(spec: CsvFiles, path: Path, columns: int) -> int:
    """As `_count`, for a dialect whose characters are not ASCII, which Arrow does not read."""
    records = 0
    with path.open(encoding="utf-8", newline="") as stream:
        try:
            for record in parsed(stream, spec):
                if not record and columns > 1:
                    continue
                records += 1
                if len(record) != columns and record:
                    raise _BrokenRecordError(records, "Expected Number of Columns")
        except csv.Error:
            raise _BrokenRecordError(records + 1, "unterminated quote") from None
    return records


def _check(engine: duckdb.DuckDBPyConnection, query: str, before: int, records: int) -> None:
    """See to it that DuckDB reads what was counted, where that is quick."""
    try:
        read = _number(engine, f"SELECT count(*) FROM ({query})")
    except duckdb.InvalidInputException as error:
        text = str(error)
        found = re.search(r"CSV Error on Line: (\d+)", text)
        reason = next((reason for reason in UNDERSTOOD if reason in text), None)
        if found and reason:
            raise BrokenFileError(_told(before + int(found[1]), reason)) from None
        raise BrokenFileError("it mixes line ends, or is no delimited text in the YAML's dialect") from None
    if read != records:
        raise BrokenFileError(f"one parser reads {read} records and another {records}: is the dialect right?")


def _told(line: int, reason: str) -> str:
    return f"line {line} has {UNDERSTOOD[reason]}"


def _is_total(spec: CsvFiles, header: tuple[str, ...]) -> str:
    if unknown := [name for name in spec.totals if name not in header]:
        raise BrokenFileError(f"it has no columns {unknown}, by which totals are told")
    return " AND ".join(
        f"coalesce({as_name(name)}, '') GLOB {as_text(pattern)}" for name, pattern in spec.totals.items()
    )


def _value(spec: CsvFiles, name: str) -> str:
    """A column as it goes into bronze: numbers in the form 1234.5, if the YAML names it; else as it is."""
    column = as_name(name)
    if name not in spec.numbers:
        return column
    decimal, thousands = re.escape(spec.decimal), re.escape(spec.thousands)
    grouped = rf"[0-9]{{1,3}}(?:{thousands}[0-9]{{3}})+|" if spec.thousands else ""
    form = rf"\s*[-+]?(?:(?:{grouped}[0-9]+)(?:{decimal}[0-9]*)?|{decimal}[0-9]+)\s*"
    bare = f"replace({column}, {as_text(spec.thousands)}, '')" if spec.thousands else column
    plain = f"trim(replace({bare}, {as_text(spec.decimal)}, '.'))"
    return f"CASE WHEN regexp_full_match({column}, {as_text(form)}) THEN {plain} ELSE {column} END AS {column}"


def _number(engine: duckdb.DuckDBPyConnection, query: str) -> int:
    with engine.cursor() as cursor:
        return int(cursor.execute(query).fetchall()[0][0])
