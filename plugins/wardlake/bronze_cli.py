"""`wardlake bronze`: look at the batches of the lake, verify them, merge small ones, delete what nobody needs."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from wardlake.console import console, stage_progress
from wardlake.lake import Lake
from wardlake.places import tables_at
from wardlake.plural import counted
from wardlake.settings import load_settings
from wardlake.sources import Source

if TYPE_CHECKING:
    from wardlake.bronze.manifest import CompactionManifest, Manifest

EXIT_DIFFERS = 1
MINUTE = "%Y-%m-%d %H:%M"

bronze = typer.Typer(help="Look after the batches in bronze.", no_args_is_help=True)

Place = Annotated[str | None, typer.Argument(help="SOURCE or SOURCE.TABLE; all active sources if left out.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@bronze.command("ls")
def list_(place: Place = None) -> None:
    """List batches and compactions."""
    from wardlake.bronze.history import lines  # noqa: PLC0415  keeps `wardlake --help` quick

    settings = load_settings()
    lake = Lake(settings)
    for source, name in _chosen(place):
        listed = _table("id", "window until", "+rows", "+size", "kind", "state")
        listed.title = f"{source.name}.{name}"
        for line in lines(settings, lake, source, name):
            listed.add_row(
                line.id,
                f"{line.window.end:{MINUTE}}" if line.window else "",
                f"{line.rows:,}" if line.arrived else "nothing arrived",
                decimal(line.bytes),
                line.kind,
                line.state,
            )
        console.print(listed if listed.rows else f"{source.name}.{name}: nothing has arrived yet.", highlight=False)


@bronze.command()
def show(
    table: Annotated[str, typer.Argument(help="SOURCE.TABLE")],
    batch: Annotated[str, typer.Argument(help="Id of a batch or compaction, or its beginning.")],
) -> None:
    """Show all that is known of one batch or compaction."""
    from wardlake.bronze.history import find  # noqa: PLC0415
    from wardlake.bronze.manifest import Manifest, read_stored  # noqa: PLC0415

    settings = load_settings()
    for source, name in _chosen(table):
        stored = read_stored(settings, Lake(settings), source.name, name)
        record = find(stored, table, batch)
        facts = _facts_of_batch(record) if isinstance(record, Manifest) else _facts_of_compaction(record)
        shown = Table("", "", show_header=False, box=None)
        for fact, value in facts.items():
            if value not in (None, ""):
                shown.add_row(f"[bold]{fact}[/bold]", escape(str(value)))
        console.print(shown, soft_wrap=True)


@bronze.command()
def verify(
    place: Place = None,
    batch: Annotated[str | None, typer.Option(help="Only the batch or compaction whose id begins so.")] = None,
) -> None:
    """Compare every object with its manifest: bytes, rows, columns, lineage. Exits with 1 if anything differs."""
    from wardlake.bronze.verify import verify_table  # noqa: PLC0415

    settings, chosen = load_settings(), _chosen(place)
    if batch and len(chosen) != 1:
        raise typer.BadParameter("--batch needs SOURCE.TABLE")
    with stage_progress(("verify",)) as progress:
        verified = [
            verify_table(
                settings, source, table, batch, lambda item, done, total: progress("verify", item, done, total)
            )
            for source, table in chosen
        ]
    shown = _table("table", "+batches", "+files", "+size", "+rows", "found")
    for one in verified:
        wrong = sum(1 for checked in one.checked if checked.problems)
        shown.add_row(
            f"{one.source}.{one.table}",
            f"{len(one.checked):,}",
            f"{sum(checked.files for checked in one.checked):,}",
            decimal(sum(checked.bytes for checked in one.checked)),
            f"{sum(checked.rows for checked in one.checked):,}",
            f"[red]{wrong} differ[/red]" if wrong else "as written",
        )
    console.print(shown)
    for one in verified:
        for checked in one.checked:
            if told := "; ".join(checked.problems) or checked.note:
                style = "red" if checked.problems else "dim"
                console.print(f"[{style}]{one.source}.{one.table}, {checked.id}: {escape(told)}[/{style}]")
    checks = [checked for one in verified for checked in one.checked]
    differing = sum(1 for checked in checks if checked.problems)
    told = f"{differing} differ from their manifests" if differing else "all as their manifests say"
    files, size = sum(checked.files for checked in checks), decimal(sum(checked.bytes for checked in checks))
    console.print(f"{counted(len(checks), 'batch')}, {counted(files, 'file')}, {size}: {told}.")
    if loose := [entry for one in verified for entry in one.orphans]:
        size = decimal(sum(entry.bytes for entry in loose))
        console.print(
            f"In no batch: {counted(len(loose), 'part')} ({size}), of runs under way, or left for 'bronze clean'."
        )
    if differing:
        raise typer.Exit(EXIT_DIFFERS)


@bronze.command()
def compact(
    place: Place = None,
    older_than_days: Annotated[int, typer.Option(min=0, help="Younger batches are left alone.")] = 7,
    dry_run: DryRun = False,
) -> None:
    """Merge many small batches into few files; no batch and no row changes."""
    from wardlake.maintain import compact_source  # noqa: PLC0415

    settings = load_settings()
    shown = _table("table", "compaction", "+batches", "+rows", "+size before", "+size after")
    for source, table in _chosen(place):
        for done in compact_source(settings, source, [table], timedelta(days=older_than_days), dry_run=dry_run):
            shown.add_row(
                f"{done.source}.{done.table}",
                done.compaction_id,
                str(done.batches),
                f"{done.rows:,}",
                decimal(done.bytes_before),
                "not written" if dry_run else decimal(done.bytes_after),
            )
    console.print(shown if shown.rows else "No table has enough small batches.")


@bronze.command()
def clean(place: Place = None, dry_run: DryRun = False) -> None:
    """Delete what no reader needs: leftovers of killed runs, merged files, batches beyond keep_days."""
    from wardlake.bronze.clean import clean_home  # noqa: PLC0415
    from wardlake.maintain import clean_source  # noqa: PLC0415

    settings = load_settings()
    freed = [
        one for source, table in _chosen(place) for one in clean_source(settings, source, [table], dry_run=dry_run)
    ]
    freed += clean_home(settings, dry_run=dry_run)
    shown = _table("where", "what", "+objects", "+size")
    for one in freed:
        shown.add_row(one.table or "this machine", one.reason, f"{one.objects:,}", decimal(one.bytes))
    if freed:
        console.print(shown)
    total = f"{counted(sum(one.objects for one in freed), 'object')}, {decimal(sum(one.bytes for one in freed))}"
    console.print(f"{'Would be deleted' if dry_run else 'Deleted'}: {total}.")


def _chosen(place: str | None) -> list[tuple[Source, str]]:
    return tables_at(load_settings(), place)


def _table(*columns: str) -> Table:
    """A table for the terminal; columns that begin with + hold numbers."""
    table = Table(box=None, pad_edge=False, title_justify="left")
    for column in columns:
        table.add_column(
            column.removeprefix("+"), justify="right" if column.startswith("+") else "left", no_wrap=column == "id"
        )
    return table


def _facts_of_batch(manifest: "Manifest") -> dict[str, object]:
    files = [*manifest.files, *(manifest.keys or [])]
    return {
        "batch": manifest.batch_id,
        "table": f"{manifest.source}.{manifest.table}, mode {manifest.mode}",
        "window": f"{manifest.window_start:{MINUTE}} to {manifest.window_end:{MINUTE}} UTC",
        "read from": manifest.read_from,
        "read until": manifest.read_until,
        "greatest cursor": manifest.cursor_max,
        "snapshot": manifest.snapshot,
        "arrived": "" if manifest.arrived else "nothing",
        "rows": f"{manifest.source_rows:,} at the source, {manifest.lake_rows:,} in the lake",
        "checksum": manifest.checksum or "rows were counted only",
        "supersedes": ", ".join(manifest.supersedes),
        "extracted": f"{manifest.extracted_at:{MINUTE}} UTC, by code version {manifest.code_version}",
        "compacted": manifest.compaction and f"into {manifest.compaction.compaction_id}",
        "retired": manifest.retirement and f"{manifest.retirement.retired_at:{MINUTE}} UTC: {manifest.retirement.rule}",
        "columns": "\n".join(f"{column.name} {column.type}" for column in manifest.columns),
        "schema changes": "\n".join(manifest.schema_changes),
        "files taken": "\n".join(f"{file.name}: {file.rows:,} rows" for file in manifest.taken),
        "files known": "\n".join(f"{file.name}: its rows were taken already" for file in manifest.held),
        "files refused": "\n".join(f"{file.name}: {file.reason}" for file in manifest.refused),
        "files": "\n".join(f"{file.key}: {file.rows:,} rows, {decimal(file.bytes)}, {file.sha256}" for file in files),
    }


def _facts_of_compaction(compaction: "CompactionManifest") -> dict[str, object]:
    return {
        "compaction": compaction.compaction_id,
        "table": f"{compaction.source}.{compaction.table}",
        "rows": f"{compaction.rows:,}",
        "written": f"{compaction.created_at:{MINUTE}} UTC, by code version {compaction.code_version}",
        "batches": "\n".join(compaction.members),
        "columns": "\n".join(f"{column.name} {column.type}" for column in compaction.columns),
        "files": "\n".join(
            f"{file.key}: {file.rows:,} rows, {decimal(file.bytes)}, {file.sha256}" for file in compaction.files
        ),
    }
