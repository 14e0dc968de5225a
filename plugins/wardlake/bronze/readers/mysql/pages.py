"""Rows in pages along an integer primary key: for what the scanner cannot ask for, or not exactly."""

from collections.abc import Sequence
from pathlib import Path

from wardlake.bronze.readers.mysql.columns import Column, Shape
from wardlake.bronze.readers.mysql.server import Server, backtick, double

PAGE_ROWS = 20_000
"""Rows that are in memory at once, beside DuckDB's limit."""


def read_pages(server: Server, shape: Shape, columns: Sequence[Column], condition: str, folder: Path) -> str:
    """Write the rows that fulfil a condition of the server into Parquet files; returns a DuckDB query for them."""
    assert shape.page_key is not None  # noqa: S101  the caller looked
    key = backtick(shape.page_key)
    folder.mkdir()
    selected = ", ".join(f"{column.page} AS c{place}" for place, column in enumerate(columns))
    # the scanner gives a TIMESTAMP of the session's zone, which is UTC
    cast = ", ".join(f"{_cast(place, column)} AS {double(column.name)}" for place, column in enumerate(columns))
    last, page = None, 0
    while True:
        after = "" if last is None else f" AND {key} > {last}"
        query = (
            f"SELECT {selected}, {key} AS page_key FROM {backtick(shape.schema)}.{backtick(shape.name)} "
            f"WHERE ({condition}){after} ORDER BY {key} LIMIT {PAGE_ROWS}"
        )
        path = folder / f"{page:06d}.parquet"
        [(rows,)] = server.engine.execute(
            f"COPY (SELECT {cast}, page_key AS \"page`key\" FROM {server.query(query)}) TO '{path}' (FORMAT parquet)"
        ).fetchall()
        if rows < PAGE_ROWS:
            break
        [(last,)] = server.engine.execute(f"SELECT max(\"page`key\") FROM read_parquet('{path}')").fetchall()
        page += 1
    listed = ", ".join(double(column.name) for column in columns)
    return f"SELECT {listed} FROM read_parquet('{folder}/*.parquet', hive_partitioning = false)"


def _cast(place: int, column: Column) -> str:
    if column.type == "TIMESTAMP WITH TIME ZONE":
        return f"c{place} AT TIME ZONE 'UTC'"
    return f"CAST(c{place} AS {column.type})"
