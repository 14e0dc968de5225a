"""Snapshots that brought nothing new: compared with the one before, cell by cell, where their figures agree."""

from collections.abc import Sequence

import duckdb

from wardlake.bronze.current import counting, rows_query
from wardlake.bronze.manifest import Manifest
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.sql import as_name
from wardlake.warehouse.connection import connect, translate


def earliest_alike(settings: Settings, source: Source, committed: Sequence[Manifest], manifest: Manifest) -> str | None:
    """Id of the batch that a new snapshot of a database table repeats row by row, row ids included; else None.

    Of snapshots that all repeat each other it is the first that is still there, so that its rows can go on being read.

    Raises:
        PermanentError: the rows cannot be compared.
        PassingError: the store did not answer.
    """
    table = source.tables[manifest.table]
    before = counting(table, committed)
    if table.mode != "snapshot" or table.relation is None or not before:
        return None
    (last,) = before
    if manifest.checksum is None or _figures(manifest) != _figures(last):
        return None
    values = ", ".join(["_row_id", *map(as_name, table.columns)])
    new, old = (f"SELECT {values} FROM ({rows_query(settings, table, [each])})" for each in (manifest, last))
    settings.temp_dir.mkdir(parents=True, exist_ok=True)
    try:
        with connect(settings) as engine:
            is_other = engine.execute(f"SELECT EXISTS ({new} EXCEPT {old})").fetchall()[0][0]
    except duckdb.OutOfMemoryException:
        return None  # not compared to the end: nothing may be left out
    except duckdb.Error as error:
        place = f"{manifest.source}.{manifest.table}, batch {manifest.batch_id}"
        raise translate(error, place) from None  # its text may hold values
    if is_other:
        return None
    there = {each.batch_id for each in committed if each.retirement is None}
    return last.same_as if last.same_as in there else last.batch_id


def _figures(manifest: Manifest) -> tuple[object, ...]:
    return manifest.lake_rows, manifest.checksum, manifest.columns
