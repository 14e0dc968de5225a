"""Immutable batches of source rows: extracted, counted on both sides, committed by their manifest."""

from wardlake.bronze.extract import Extraction, extract_table
from wardlake.bronze.manifest import Manifest, batches, current_batches

__all__ = ["Extraction", "Manifest", "batches", "current_batches", "extract_table"]
