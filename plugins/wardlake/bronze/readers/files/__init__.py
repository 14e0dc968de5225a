"""Rows of the files that a system drops in the landing bucket; each content is taken once."""

import codecs
import csv
import fnmatch
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl

from wardlake.bronze.manifest import BronzeColumn, TakenFile, batches
from wardlake.bronze.relation import Opening, Relation, Request, SourceFacts
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.sources.connections import LandingConnection
from wardlake.sources.files import FileSpec


@contextmanager
def session(opening: Opening) -> Iterator["LandingSession"]:
    """The landing bucket as it is."""
    yield LandingSession(opening)


@dataclass
class LandingSession:
    """Files of the landing bucket."""

    opening: Opening
    snapshot: str | None = None
    moment: datetime | None = None

    def read(self, request: Request) -> Relation:
        """The rows of all files that no other batch has taken."""
        opening = self.opening
        query, taken = open_files(
            opening.settings,
            opening.lake,
            opening.source,
            request.table,
            request.batch_id,
            opening.engine,
            request.work,
        )
        described = opening.engine.execute(f"DESCRIBE {query}").fetchall()
        return Relation(
            chunks=(query,),
            columns=tuple(BronzeColumn(name=name, type=type_) for name, type_, *_ in described),
            facts=lambda: SourceFacts(sum(file.rows for file in taken)),
            order_by=('"_file"', '"_line"'),
            taken=tuple(taken),
            arrived=bool(taken),
        )


def open_files(
    settings: Settings,
    lake: Lake,
    source: Source,
    table: str,
    batch_id: str,
    engine: duckdb.DuckDBPyConnection,
    work: Path,
) -> tuple[str, list[TakenFile]]:
    """A DuckDB query for the rows of all files that no other batch has taken, and these files.

    Each row carries `_file` and `_line` (the record's place in the file, counted from 1, preamble included).
    The row counts of the files come from another parser than the one that reads the rows.

    Raises:
        PermanentError: a file is not what the YAML says; the message names it.
    """
    spec: Any = source.tables[table].files
    assert spec is not None  # noqa: S101  the model guarantees it
    headers = list(source.tables[table].columns)
    known = {
        file.sha256
        for manifest in batches(settings, lake, source.name, table)
        if manifest.batch_id != batch_id
        for file in manifest.taken
    }
    listed = ", ".join(f"{_double(name)} VARCHAR" for name in headers)
    engine.execute(f"CREATE TABLE landed ({listed}, _file VARCHAR, _line BIGINT)")
    taken: list[TakenFile] = []
    for name, path in _download(settings, lake, source, spec, work):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest in known:
            continue
        known.add(digest)
        try:
            rows = (_load_csv if spec.format == "csv" else _load_xlsx)(engine, spec, path, name, headers)
        except (duckdb.Error, ValueError, KeyError, OSError) as error:
            raise PermanentError(
                f"{source.name}.{table}: the file {name} cannot be read as {spec.format} ({_reason(error)}).",
                remedy=f"Ask the system's owner for a correct file, or correct dags/sources/{source.name}.yaml.",
            ) from error
        with path.open("rb") as stream:
            has_mark = stream.read(3) == codecs.BOM_UTF8
        taken.append(TakenFile(name=name, sha256=digest, rows=rows, byte_order_mark=has_mark))
    return "SELECT * FROM landed", taken


class _HeaderError(ValueError):
    """The header differs from the contract; column names are no patient values and may be shown."""


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, _HeaderError) else type(error).__name__


def _download(settings: Settings, lake: Lake, source: Source, spec: FileSpec, work: Path) -> list[tuple[str, Path]]:
    connection = source.connection
    assert isinstance(connection, LandingConnection)  # noqa: S101  the model guarantees it
    bucket, prefix = settings.bucket("landing"), connection.prefix.rstrip("/") + "/"
    names = [key.removeprefix(prefix) for key in lake.list(bucket, prefix)]
    found = []
    for number, name in enumerate(name for name in names if fnmatch.fnmatchcase(name, spec.pattern)):
        path = work / f"landing-{number:05d}.{spec.format}"
        lake.download(bucket, prefix + name, path)
        found.append((name, path))
    return found


def _load_csv(engine: duckdb.DuckDBPyConnection, spec: Any, path: Path, name: str, headers: list[str]) -> int:
    """Append the rows of a CSV file to `landed`; returns the number of records that Python's own parser counts."""
    with path.open(encoding="utf-8-sig" if spec.encoding == "utf-8" else spec.encoding, newline="") as stream:
        for _ in range(spec.header_row - 1):
            stream.readline()
        reader = csv.reader(stream, delimiter=spec.delimiter)
        _check_header(next(reader, []), headers)
        counted = sum(1 for record in reader if record)
    engine.execute(
        f"""
        INSERT INTO landed BY NAME
        SELECT *, $name AS _file, row_number() OVER () + {spec.header_row} AS _line
        FROM read_csv(
            $path, header = true, skip = {spec.header_row - 1}, delim = $delimiter, quote = '"', escape = '"',
            encoding = '{spec.encoding}', all_varchar = true, auto_detect = false, null_padding = false,
            columns = {{{", ".join(f"{_quoted(header)}: 'VARCHAR'" for header in headers)}}}
        )
        """,
        {"name": name, "path": str(path), "delimiter": spec.delimiter},
    )
    return counted


def _load_xlsx(engine: duckdb.DuckDBPyConnection, spec: Any, path: Path, name: str, headers: list[str]) -> int:
    """Append the rows of a sheet to `landed`; rows without any content are no records."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        sheet = book[spec.sheet] if spec.sheet else book.worksheets[0]
        rows = sheet.iter_rows(min_row=spec.header_row, values_only=True)
        _check_header([_text(value) or "" for value in next(rows, ())], headers)
        records = [
            [*(_text(value) for value in row[: len(headers)]), name, line]
            for line, row in enumerate(rows, start=spec.header_row + 1)
            if any(value is not None for value in row)
        ]
    finally:
        book.close()
    if records:
        engine.executemany(f"INSERT INTO landed VALUES ({', '.join('?' * (len(headers) + 2))})", records)
    return len(records)


def _check_header(found: list[str], expected: list[str]) -> None:
    if found != expected:
        missing = [name for name in expected if name not in found]
        new = [name for name in found if name not in expected]
        raise _HeaderError(f"its header differs: missing {missing or 'none'}, new {new or 'none'}, or in another order")


def _text(value: object) -> str | None:
    """A cell as text: dates in ISO 8601, whole numbers without a trailing `.0`."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _double(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
