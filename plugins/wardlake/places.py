"""Tables by the names that people write: SOURCE or SOURCE.TABLE."""

from wardlake.settings import Settings
from wardlake.sources import Source, SourceError, active_sources


def tables_at(settings: Settings, place: str | None) -> list[tuple[Source, str]]:
    """The tables that SOURCE or SOURCE.TABLE names; those of all active sources without one.

    Raises:
        SourceError: no active source has it.
    """
    active = {source.name: source for source in active_sources(settings)}
    tables = [(source, table) for source in active.values() for table in source.tables]
    if place is None:
        return tables
    found = [(source, table) for source, table in tables if place in (source.name, f"{source.name}.{table}")]
    if not found:
        raise SourceError(
            f"No active source has '{place}'.",
            remedy=f"Write SOURCE or SOURCE.TABLE; active sources: {', '.join(active) or 'none'}.",
        )
    return found


def table_at(settings: Settings, place: str) -> tuple[Source, str]:
    """The table that SOURCE.TABLE names.

    Raises:
        SourceError: no active source has it.
    """
    found = [(source, table) for source, table in tables_at(settings, place) if place == f"{source.name}.{table}"]
    if not found:
        raise SourceError(f"'{place}' is a source.", remedy="Write SOURCE.TABLE, to name one of its tables.")
    return found[0]
