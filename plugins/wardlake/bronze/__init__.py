"""Immutable batches of source rows: extracted, reconciled with the source, committed by their manifest."""

from wardlake.bronze.backfill import Backfill, backfill_table
from wardlake.bronze.current import counting, current_batches, current_query, rows_query
from wardlake.bronze.extract import Extraction, extract_table, extract_tables
from wardlake.bronze.manifest import Manifest, batches

__all__ = [
    "Backfill",
    "Extraction",
    "Manifest",
    "backfill_table",
    "batches",
    "counting",
    "current_batches",
    "current_query",
    "extract_table",
    "extract_tables",
    "rows_query",
]
