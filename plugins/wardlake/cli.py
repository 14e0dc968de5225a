"""The `wardlake` command: the same functions that the Airflow tasks call, for a person at a terminal."""

import logging
import subprocess
import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Column, Table

from wardlake.bronze_cli import bronze
from wardlake.console import console, errors, stage_progress
from wardlake.embedded.commands import clean, demo, down, load, up
from wardlake.errors import PassingError, WardlakeError
from wardlake.lake import Lake
from wardlake.onboard.commands import source_app
from wardlake.plural import counted
from wardlake.quality_cli import quality_app
from wardlake.quarantine_cli import quarantine_app
from wardlake.settings import Settings, load_settings
from wardlake.sources import Source, SourceError, active_sources
from wardlake.window import Window

EXIT_FAILED = 1
EXIT_TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h

app = typer.Typer(help="Hospital data, from source databases to published gold.", no_args_is_help=True)


class Format(StrEnum):
    """How `query` prints rows."""

    table = "table"
    csv = "csv"
    json = "json"


class Until(StrEnum):
    """How far `run` goes."""

    bronze = "bronze"
    published = "published"


@app.command()
def run(
    source: Annotated[
        list[str] | None, typer.Argument(help="Sources to run; all active ones if none is named.")
    ] = None,
    window: Annotated[str | None, typer.Option(help="START/END in ISO 8601, UTC; today if left out.")] = None,
    until: Annotated[
        Until, typer.Option(help="bronze: stop when the batches are judged; nothing is built or published.")
    ] = Until.published,
    *,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Build all models, not only those that follow from a change.")
    ] = False,
) -> None:
    """Extract, validate, build, gate and publish, in this process."""
    from wardlake import run as pipeline  # noqa: PLC0415  keeps `wardlake --help` quick
    from wardlake.summary import print_summary  # noqa: PLC0415

    settings = load_settings()
    chosen = _chosen(settings, source or [])
    of_time = Window.parse(window) if window else Window.today()
    if until is Until.bronze:
        with stage_progress(pipeline.BRONZE_STAGES) as show:
            summary = pipeline.run_until_bronze(settings, chosen, of_time, show)
    else:
        with stage_progress(pipeline.STAGES) as show:
            summary = pipeline.run(settings, chosen, of_time, show, full_refresh=full_refresh)
    print_summary(console, settings, summary)


@app.command()
def publish() -> None:
    """Publish the build that passed the gate; completes a publication of which a place has failed."""
    from wardlake.publish import publish as publish_build  # noqa: PLC0415  keeps `wardlake --help` quick

    publication = publish_build(load_settings())
    console.print(f"Publication {publication.publication_id} is shown by:", highlight=False)
    for kind, place in publication.places.items():
        console.print(f"{kind}: {place}", soft_wrap=True, highlight=False)


@app.command()
def backfill(
    source: Annotated[str, typer.Argument(help="Source to read again.")],
    table: Annotated[list[str] | None, typer.Argument(help="Tables; all that have a past if none is named.")] = None,
    window: Annotated[str | None, typer.Option(help="START/END in ISO 8601, UTC.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Read the whole table again, not a window.")] = False,
    name: Annotated[str | None, typer.Option(help="A name makes it one backfill, which a retry goes on with.")] = None,
    rehearse: Annotated[bool, typer.Option("--rehearse", help="Compare only; commit nothing.")] = False,
) -> None:
    """Read a past window again, compare it with its batches, and put it in their place."""
    from wardlake.bronze.backfill_report import backfill_tables  # noqa: PLC0415  keeps `wardlake --help` quick

    if (window is None) == (not everything):
        raise typer.BadParameter("give either --window START/END or --all")
    settings = load_settings()
    (chosen,) = _chosen(settings, [source])
    backfill_tables(settings, chosen, table or [], Window.parse(window) if window else None, name, rehearse=rehearse)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="SQL over gold.<table> and silver.<table>.")],
    output: Annotated[Format, typer.Option("--format", help="How rows are printed.")] = Format.table,
) -> None:
    """Read published gold and silver."""
    from wardlake.query import query as read  # noqa: PLC0415  pandas is slow to import

    rows = read(load_settings(), sql)
    if output is Format.csv:
        rows.to_csv(sys.stdout, index=False)
    elif output is Format.json:
        print(rows.to_json(orient="records", date_format="iso", indent=1))
    else:
        table = Table(*(str(name) for name in rows.columns), caption=counted(len(rows), "row"), row_styles=["", "dim"])
        for row in rows.itertuples(index=False):
            table.add_row(*("" if value is None else str(value) for value in row))
        console.print(table)


@app.command()
def report(
    facility: Annotated[str | None, typer.Option(help="Hospital to show; the first of gold if none is named.")] = None,
) -> None:
    """Write an overview of published gold with plots: occupancy, staffing and drug cost."""
    from wardlake.overview import write_overview  # noqa: PLC0415  matplotlib is slow to import

    console.print(write_overview(load_settings(), facility), highlight=False, soft_wrap=True)


@app.command()
def check() -> None:
    """Check settings, source YAMLs, suites and models; prints every problem in one pass."""
    from wardlake.check import check_all  # noqa: PLC0415

    problems = check_all()
    for problem in problems:
        errors.print(f"[red]•[/red] {problem}", highlight=False)
    if problems:
        errors.print(f"{counted(len(problems), 'problem')} found.")
        raise typer.Exit(EXIT_FAILED)
    console.print("Settings, sources, suites and models are in order.")


@app.command()
def docs() -> None:
    """Write docs/metrics.md and docs/data-dictionary.md, and build dbt's own pages."""
    from wardlake.definitions import write_pages  # noqa: PLC0415
    from wardlake.warehouse import dbt as dbt_process  # noqa: PLC0415

    settings = load_settings()
    for page in [*write_pages(settings.dbt_dir, settings.project_root / "docs"), dbt_process.write_docs(settings)]:
        console.print(page, highlight=False, soft_wrap=True)


@app.command()
def init() -> None:
    """Prepare a new environment: create the buckets, test the S3 store, write dbt's manifest. Safe to repeat."""
    from wardlake.warehouse import dbt as dbt_process  # noqa: PLC0415

    settings = load_settings()
    lake = Lake(settings)
    lake.ensure_buckets()
    lake.probe()
    manifest = dbt_process.parse(settings)
    console.print(f"The buckets are there, the S3 store keeps its promises, {manifest} is up to date.", highlight=False)


@app.command()
def parity(
    warehouses: Annotated[str, typer.Option(help="Warehouses by comma; the others are compared with the first.")] = (
        "duckdb,postgres,spark"
    ),
) -> None:
    """Build the current bronze on several warehouses and compare every cell of silver and gold; 1 if they differ."""
    from wardlake.warehouse import parity as compared  # noqa: PLC0415  keeps `wardlake --help` quick

    settings, names = load_settings(), compared.named(warehouses)
    with stage_progress(names) as show:
        built = compared.build_each(settings, names, show)
    cells, differences = compared.compare(settings, built)
    table = Table("warehouse", "table", "column", Column("differing cells", justify="right"), title="Differences")
    for one in differences:
        table.add_row(one.warehouse, one.table, one.column, one.told)
    if differences:
        console.print(table)
    console.print(
        f"{cells:,} cells of {names[0]} compared with {' and '.join(names[1:])}: {len(differences)} columns differ."
    )
    if differences:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def status(
    source: Annotated[
        list[str] | None, typer.Argument(help="Sources to show; all active ones if none is named.")
    ] = None,
) -> None:
    """Show the last batch of each table: how old it is and whether that is late, rows, verdict, quarantine."""
    from wardlake.status import status as read  # noqa: PLC0415

    settings = load_settings()
    table = Table(
        Column("table", overflow="fold"),
        Column("batches", justify="right"),
        "window until",
        "extracted",
        Column("rows", justify="right"),
        "verdict",
        Column("quarantined", justify="right"),
        title="Last batches",
    )
    for one in read(settings, _chosen(settings, source or [])):
        table.add_row(
            f"{one.source}.{one.table}",
            str(one.batches),
            f"{one.window_end:%Y-%m-%d %H:%M} UTC" if one.window_end else "",
            f"{str(one.age).split('.', maxsplit=1)[0]} ago{', late' if one.is_late else ''}" if one.age else "",
            f"{one.rows:,}" if one.rows is not None else "",
            one.verdict or "not judged" if one.arrived else "nothing has arrived yet",
            f"{one.quarantined_rows:,}" if one.quarantined_rows is not None else "",
        )
    console.print(table)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def dbt(context: typer.Context) -> None:
    """Run dbt with Wardlake's settings, for example: wardlake dbt build --select silver.

    The next build of `wardlake run` or the DAG is a full one, as nobody knows what dbt was told to change.
    """
    from wardlake.warehouse.changes import forget  # noqa: PLC0415  keeps `wardlake --help` quick
    from wardlake.warehouse.dbt import command_line, dbt_environment  # noqa: PLC0415

    settings = load_settings()
    forget(settings)
    ended = subprocess.run(command_line(settings, context.args), env=dbt_environment(settings), check=False)
    raise typer.Exit(ended.returncode)


app.add_typer(bronze, name="bronze")
app.add_typer(source_app, name="source")
app.add_typer(quality_app, name="quality")
app.add_typer(quarantine_app, name="quarantine")

for stack_command in (up, demo, down, clean, load):
    app.command()(stack_command)


def _chosen(settings: Settings, names: list[str]) -> list[Source]:
    active = {source.name: source for source in active_sources(settings)}
    if unknown := [name for name in names if name not in active]:
        raise SourceError(
            f"There is no active source {', '.join(unknown)}.", remedy=f"Active sources: {', '.join(active) or 'none'}."
        )
    return [active[name] for name in names] if names else list(active.values())


def main() -> None:
    """Entry point: errors are told in one message, with an exit code that says whether a retry may help."""
    logging.getLogger("wardlake.alert").addHandler(logging.NullHandler())  # the command itself tells the same
    try:
        app()
    except WardlakeError as error:
        errors.print(f"[bold red]Failed:[/bold red] {error.what}", highlight=False)
        errors.print(f"[bold]What to do:[/bold] {error.remedy}", highlight=False)
        sys.exit(EXIT_TRY_AGAIN if isinstance(error, PassingError) else EXIT_FAILED)
