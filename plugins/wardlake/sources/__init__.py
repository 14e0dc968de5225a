"""The YAML of a hospital system: connection, tables, keys, contract, PII classes, owner.

One file for each system in `dags/sources/`.
"""

from wardlake.sources.connections import IN_ONE_TRANSACTION
from wardlake.sources.load import SourceError, active_sources, load_sources, read_source
from wardlake.sources.model import ENTITIES, Facility, Hours, Source
from wardlake.sources.tables import LINEAGE_COLUMNS, Column, Cursor, Table

__all__ = [
    "ENTITIES",
    "IN_ONE_TRANSACTION",
    "LINEAGE_COLUMNS",
    "Column",
    "Cursor",
    "Facility",
    "Hours",
    "Source",
    "SourceError",
    "Table",
    "active_sources",
    "load_sources",
    "read_source",
]
