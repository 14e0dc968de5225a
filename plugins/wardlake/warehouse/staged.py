"""The rows that silver may read as Parquet files on S3, for warehouses of AWS, which read them there."""

from dataclasses import dataclass

import duckdb

from wardlake.sql import as_name, as_text


@dataclass(frozen=True)
class Part:
    """A Parquet file on S3."""

    url: str
    bytes: int


@dataclass(frozen=True)
class Staged:
    """The rows of a table below a folder of S3, in a folder of its own for each committed batch that has any."""

    schema: str
    table: str
    columns: dict[str, str]
    """Types of the columns, in DuckDB's words."""
    folder: str
    batches: dict[str, str]
    """Folder of each batch."""
    parts: tuple[Part, ...]


def stage(engine: duckdb.DuckDBPyConnection, schema: str, table: str, folder: str) -> Staged:
    """Write the rows of a view of bronze below a folder that holds nothing yet."""
    rows = f"{as_name(schema)}.{as_name(table)}"
    columns = {name: type_ for name, type_, *_ in engine.execute(f"DESCRIBE {rows}").fetchall()}
    # the batch is a column of the files as well: COPY of Redshift does not look at the names of folders
    written = engine.execute(
        f"COPY (FROM {rows}) TO {as_text(folder)} "
        "(FORMAT parquet, COMPRESSION zstd, PARTITION_BY (_batch_id), WRITE_PARTITION_COLUMNS true, RETURN_STATS true)"
    ).fetchall()
    # name, rows, bytes, bytes of the footer, statistics of columns, columns of the folders
    folders = {keys["_batch_id"]: url.rpartition("/")[0] for url, *_, keys in written}
    parts = sorted((Part(url, size) for url, _, size, *_ in written), key=lambda part: part.url)
    return Staged(schema, table, columns, folder, dict(sorted(folders.items())), tuple(parts))
