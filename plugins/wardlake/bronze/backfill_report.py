"""`wardlake backfill` at the terminal: one line for each table, before and after."""

from datetime import UTC, datetime

from rich.table import Table

from wardlake.bronze.backfill import Backfill, backfill_table
from wardlake.console import console, stage_progress
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.window import Window


def backfill_tables(
    settings: Settings, source: Source, tables: list[str], window: Window | None, name: str | None, *, rehearse: bool
) -> None:
    """Backfill tables of a source and print how each differs by it.

    Raises:
        PermanentError: a table is unknown or has no past, or at least one could not be read; the others were.
    """
    if unknown := [table for table in tables if table not in source.tables]:
        raise PermanentError(
            f"{source.name} has no table {', '.join(unknown)}.", remedy=f"Its tables: {', '.join(source.tables)}."
        )
    wanted = tables or [table for table, spec in source.tables.items() if spec.mode != "snapshot"]
    if not wanted:
        raise PermanentError(
            f"All tables of {source.name} are snapshots, and a snapshot has no past that could be read again.",
            remedy="Run 'wardlake run' to take their present state.",
        )
    backfill = Backfill(name or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}", window)
    title = f"Backfill {backfill.name} of {source.name}" + (" (rehearsal, nothing was committed)" if rehearse else "")
    report = Table("table", "batch", "rows read", "added", "gone", "changed", "same", "replaces", title=title)
    failed: list[WardlakeError] = []
    with stage_progress(("backfill",)) as show:
        for number, table in enumerate(wanted, start=1):
            try:
                done = backfill_table(settings, source, table, backfill, is_rehearsal=rehearse).manifest
            except WardlakeError as error:
                failed.append(error)
            else:
                compared = done.comparison
                counts = (compared.added, compared.gone, compared.changed, compared.same) if compared else ()
                figures = [f"{count:,}" for count in (done.lake_rows, *counts)]
                report.add_row(table, done.batch_id, *figures, f"{len(done.supersedes)} batches")
            show("backfill", f"{source.name}.{table}", number, len(wanted))
    console.print(report)
    if failed:
        kind = PassingError if all(isinstance(error, PassingError) for error in failed) else PermanentError
        raise kind(
            " ".join(str(error) for error in failed),
            remedy=f"Then run the same command with --name {backfill.name}: what is done is not read again.",
        )
