"""Looking after bronze, for all tables of a source: what the Airflow DAG and the command line both call."""

from collections.abc import Sequence
from datetime import timedelta

from wardlake.bronze.clean import Freed, clean_table
from wardlake.bronze.compact import OLDER_THAN, Compacted, compact_table
from wardlake.lake import Lake
from wardlake.quality.quarantine import acceptances
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse.expose import judged_batches


def compact_source(
    settings: Settings,
    source: Source,
    tables: Sequence[str] | None = None,
    older_than: timedelta = OLDER_THAN,
    *,
    dry_run: bool = False,
) -> list[Compacted]:
    """Merge the small batches of a source's tables, all of them if none is named.

    Raises:
        PermanentError: a batch has lost rows or files, or the disk is full; nothing is committed then.
        PassingError: the store did not answer.
    """
    return [
        done
        for table in tables or source.tables
        for done in compact_table(settings, source, table, older_than, dry_run=dry_run)
    ]


def clean_source(
    settings: Settings, source: Source, tables: Sequence[str] | None = None, *, dry_run: bool = False
) -> list[Freed]:
    """Delete what no reader of a source's tables needs, all of them if none is named.

    Raises:
        PermanentError, PassingError: the store refused or did not answer; or a table with `keep_days` has no suite.
    """
    return [
        freed
        for table in tables or source.tables
        for freed in clean_table(settings, source, table, _needed(settings, source, table), dry_run=dry_run)
    ]


def _needed(settings: Settings, source: Source, table: str) -> list[str] | None:
    """The batches that the warehouse reads: after a halted snapshot that is the one before. None: nobody knows yet."""
    if source.tables[table].keep_days is None:
        return []
    judged = judged_batches(settings, Lake(settings), source, table, acceptances(settings))
    return [manifest.batch_id for manifest, _ in judged] or None
