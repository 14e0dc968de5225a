"""`wardlake quarantine`: rows that a rule keeps out of silver, and what people decide about them."""

import getpass
import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from wardlake.console import console
from wardlake.errors import PermanentError
from wardlake.places import table_at, tables_at
from wardlake.plural import counted
from wardlake.settings import load_settings

quarantine_app = typer.Typer(help="Rows that stay out of silver, and what to do about them.", no_args_is_help=True)

Place = Annotated[str, typer.Argument(help="SOURCE.TABLE")]
Batch = Annotated[str, typer.Argument(help="Id of a batch, or its beginning.")]
Reason = Annotated[str, typer.Option(help="Why; kept for auditors. Name no patient in it.")]
Name = Annotated[str, typer.Option(help="Who decides; kept for auditors.", default_factory=getpass.getuser)]


@quarantine_app.command("ls")
def list_(
    place: Annotated[str | None, typer.Argument(help="SOURCE or SOURCE.TABLE; all active sources if left out.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what is in quarantine now: rows of each rule, since when, why, and who looks after it."""
    from wardlake.quality.quarantine import open_quarantine  # noqa: PLC0415  keeps `wardlake --help` quick

    settings = load_settings()
    found = [
        held for source, table in tables_at(settings, place) for held in open_quarantine(settings, source, [table])
    ]
    if as_json:
        print(json.dumps([{**asdict(held), "since": held.since.isoformat()} for held in found], indent=1))
        return
    if not found:
        console.print("No row is in quarantine.")
        return
    listed = Table(
        "table", Column("batch", no_wrap=True), "rule", Column("rows", justify="right"), "since (UTC)", "why", "owner"
    )
    for held in found:
        rule = held.rule_id.removeprefix(f"{held.source}.{held.table}.")
        since = f"{held.since:%Y-%m-%d %H:%M}"
        listed.add_row(
            f"{held.source}.{held.table}", held.batch_id, rule, f"{held.rows:,}", since, Text(held.why), held.owner
        )
    console.print(listed)


@quarantine_app.command()
def show(
    table: Place,
    batch: Batch,
    name: Name,
    reason: Reason,
    rule: Annotated[str | None, typer.Option(help="Id of a rule; all rules if left out.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows at most.")] = 20,
) -> None:
    """Show the rows themselves, in a terminal only; needs a right (WARDLAKE_MAY_SHOW_ROWS) and is logged."""
    from wardlake.quality import quarantine  # noqa: PLC0415

    settings = load_settings()
    if not sys.stdout.isatty():
        raise PermanentError(
            "Rows are shown in a terminal only, and this output goes elsewhere.",
            remedy="Call it in a terminal, without a pipe or a file.",
        )
    source, own = table_at(settings, table)
    shown = quarantine.show(settings, source, own, batch, rule, name=name, reason=reason, limit=limit)
    for row in shown.rows:
        listed = Table("column", "value", title=Text(f"held by {row[0]}"), title_justify="left")
        for column, value in zip(shown.columns[1:], row[1:], strict=True):
            listed.add_row(Text(column), Text(_printable(value)))
        console.print(listed)
    console.print(f"{len(shown.rows):,} of {counted(shown.held, 'row')}; the ledger says that {name} has seen them.")


@quarantine_app.command()
def replay(table: Place, batch: Batch, name: Name, reason: Reason) -> None:
    """Judge a batch again, with the suite and the other tables as they are now."""
    from wardlake.quality import quarantine  # noqa: PLC0415

    settings = load_settings()
    source, own = table_at(settings, table)
    before, after = quarantine.replay(settings, source, own, batch, name=name, reason=reason)
    console.print(
        f"{table}, batch {after.batch_id}: {before.status} with {counted(before.quarantined_rows, 'row')} in "
        f"quarantine before, {after.status} with {after.quarantined_rows:,} now. The next build reads it so.",
        highlight=False,
        soft_wrap=True,
    )


@quarantine_app.command()
def accept(
    table: Place,
    batch: Batch,
    rule: Annotated[str, typer.Argument(help="Id of the rule whose rows are accepted.")],
    name: Name,
    reason: Reason,
) -> None:
    """Let the rows of a batch that a rule holds into silver all the same."""
    from wardlake.quality import quarantine  # noqa: PLC0415

    settings = load_settings()
    source, own = table_at(settings, table)
    rows = quarantine.accept(settings, source, own, batch, rule, name=name, reason=reason)
    console.print(
        f"{counted(rows, 'row')} accepted; the next build reads them, unless another rule holds them."
        if rows
        else "All rows of this rule were accepted before.",
        highlight=False,
        soft_wrap=True,
    )


def _printable(value: object) -> str:
    """A value as text that cannot steer the terminal."""
    text = "" if value is None else str(value)
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
