"""Files as rows of the table: each brought to the contract, many small ones read by one query."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from wardlake.bronze.contract import UNLIKE, Agreement, compare
from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.files.formats import BrokenFileError, FileRows
from wardlake.bronze.readers.files.gathering import Arrival
from wardlake.sources import LINEAGE_COLUMNS, Table

CHUNK_BYTES = 256 * 1024**2
CHUNK_FILES = 200
LINEAGE = (BronzeColumn(name="_file", type="VARCHAR"), BronzeColumn(name="_line", type="BIGINT"))
NOT_OF_THE_FILE = (duckdb.OutOfMemoryException, duckdb.HTTPException, duckdb.InterruptException)


@dataclass(frozen=True)
class Accepted:
    """A file that can be read and keeps the contract."""

    arrival: Arrival
    rows: FileRows
    agreement: Agreement


def accept(table: Table, arrival: Arrival, rows: FileRows) -> Accepted:
    """Apply the contract to the columns of a file.

    Raises:
        BrokenFileError: names every difference that the contract refuses.
    """
    if taken := [column.name for column in rows.columns if column.name in LINEAGE_COLUMNS]:
        raise BrokenFileError(f"its columns {taken} have names that Wardlake keeps for lineage")
    agreement, refused = compare(table, rows.columns)
    if refused:
        raise BrokenFileError(f"it breaks the contract: {'; '.join(refused)}")
    return Accepted(arrival, rows, agreement)


def columns_of(table: Table, files: Iterable[Accepted]) -> tuple[BronzeColumn, ...]:
    """The contract's columns, new ones that any of the files has, and lineage."""
    columns = {name: BronzeColumn(name=name, type=column.type.upper()) for name, column in table.columns.items()}
    for file in files:
        for column in file.agreement.columns:
            columns.setdefault(column.name, column)
    return (*columns.values(), *LINEAGE)


def chunks_of(columns: Sequence[BronzeColumn], files: Sequence[Accepted]) -> tuple[str, ...]:
    """Queries for the rows of all files, each for up to `CHUNK_BYTES` of input, in the order of the files."""
    chunks: list[list[str]] = []
    filled = 0
    for file in files:
        parts = file.rows.parts or (file.rows.query,)
        size = file.arrival.file.bytes // len(parts)
        for part in parts:
            if not chunks or filled + size > CHUNK_BYTES or len(chunks[-1]) >= CHUNK_FILES:
                chunks.append([])
                filled = 0
            chunks[-1].append(_selected(columns, file, part))
            # parts of one file are there to be read side by side
            filled = CHUNK_BYTES if len(parts) > 1 else filled + size
    nothing = ", ".join(f"CAST(NULL AS {column.type}) AS {_double(column.name)}" for column in columns)
    return tuple(" UNION ALL ".join(chunk) for chunk in chunks) or (f"SELECT {nothing} WHERE false",)


def examine(engine: duckdb.DuckDBPyConnection, columns: Sequence[BronzeColumn], file: Accepted) -> None:
    """Read one file from end to end.

    Raises:
        BrokenFileError: it cannot be read, or has not as many rows as were counted.
        duckdb.Error: something else than the file is at fault.
    """
    with engine.cursor() as cursor:
        try:
            reader = cursor.execute(_selected(columns, file, file.rows.query)).to_arrow_reader(10_000)
            read = sum(batch.num_rows for batch in reader)
        except Exception as error:  # Arrow wraps what DuckDB raises meanwhile
            raise as_broken(error) from error
    if read != file.rows.rows:
        raise BrokenFileError(f"{read} rows were read, and {file.rows.rows} counted")


def as_broken(error: Exception) -> BrokenFileError:
    """What an error of DuckDB tells of the file that it read, without any value.

    Raises:
        duckdb.Error: the error itself, if something else than the file is at fault.
    """
    text = str(error)
    if isinstance(error, NOT_OF_THE_FILE) or "No space left" in text:
        raise error
    if UNLIKE in text:
        return BrokenFileError(f"it breaks the contract: {text.split(UNLIKE, 1)[1].strip()}")
    return BrokenFileError(f"its rows cannot be read ({type(error).__name__})")


def _selected(columns: Sequence[BronzeColumn], file: Accepted, query: str) -> str:
    named = {
        column.name: expression
        for column, expression in zip(file.agreement.columns, file.agreement.expressions, strict=True)
    }
    named |= {"_file": f"{_quoted(file.arrival.name)} AS _file", "_line": "_line"}
    listed = ", ".join(
        named.get(column.name, f"CAST(NULL AS {column.type}) AS {_double(column.name)}") for column in columns
    )
    return f"SELECT {listed} FROM ({query})"


def _double(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
