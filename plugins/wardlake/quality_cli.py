"""`wardlake quality`: what auditors and the data team ask of judged batches."""

from datetime import datetime
from typing import Annotated

import typer

from wardlake.console import console, errors
from wardlake.plural import counted
from wardlake.settings import load_settings

SHOWN_PROBLEMS = 20

quality_app = typer.Typer(help="Suites, verdicts and the ledger that keeps them.", no_args_is_help=True)


@quality_app.command()
def suggest(
    table: Annotated[str, typer.Argument(help="<source>.<table>, of which a batch was committed.")],
    batch: Annotated[str | None, typer.Option(help="Id of the batch; the newest that counts if none is named.")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a suite that exists.")] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print the suite and write nothing.")] = False,
) -> None:
    """Profile a batch and write a first suite, to be reviewed rule by rule."""
    from wardlake.quality.suggest import suggest_suite, write_suite  # noqa: PLC0415  keeps `wardlake --help` quick

    settings = load_settings()
    suggestion = suggest_suite(settings, table, batch)
    if stdout:
        print(suggestion.text, end="")
        return
    path = write_suite(settings, suggestion, force=force)
    console.print(
        f"{path}: {counted(suggestion.rules, 'rule')} from batch {suggestion.batch_id}. Review each, then "
        "'wardlake check'.",
        highlight=False,
        soft_wrap=True,
    )


@quality_app.command()
def verify(
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Compare the objects of one day (UTC) only; the chain as a whole."),
    ] = None,
) -> None:
    """Prove that no result, verdict, manifest or report was altered; names the first that was."""
    from wardlake.ledger import verify as prove  # noqa: PLC0415  keeps `wardlake --help` quick

    with console.status("Reading the ledger …") as status:
        proof = prove(
            load_settings(),
            day.date() if day else None,
            lambda what, done, of: status.update(f"{done:,}{f' of {of:,}' if of else ''} {what} read"),
        )
    told = f"{counted(proof.entries, 'entry')} of the ledger, {counted(proof.objects, 'object')} compared"
    if not proof.problems:
        console.print(f"{told}: nothing was altered. Head {proof.head}", highlight=False, soft_wrap=True)
        return
    errors.print(f"{told}. First difference:", highlight=False, soft_wrap=True)
    for problem in proof.problems[:SHOWN_PROBLEMS]:
        errors.print(f"[red]•[/red] {problem}", highlight=False, soft_wrap=True)
    if len(proof.problems) > SHOWN_PROBLEMS:
        errors.print(f"and {len(proof.problems) - SHOWN_PROBLEMS:,} more", highlight=False)
    errors.print("Restore the objects from the bucket's versions or its replica; the ledger is never rewritten.")
    raise typer.Exit(1)


@quality_app.command()
def sign(
    run: Annotated[str, typer.Argument(help="Id of the run, as it stands in the report's heading.")],
    name: Annotated[str, typer.Option(help="Who signs.")],
    approve: Annotated[bool, typer.Option("--approve/--reject", help="The decision.")],
    remark: Annotated[str, typer.Option(help="Why; a rejection needs one.")] = "",
    sha256: Annotated[
        str | None, typer.Option(help="SHA-256 of the report that was read; left out: of the stored one.")
    ] = None,
) -> None:
    """Approve or reject a run: the name and the hash of its report are entered into the ledger."""
    from wardlake.quality import sign as enter  # noqa: PLC0415  keeps `wardlake --help` quick
    from wardlake.quality.runs import run_of  # noqa: PLC0415

    settings = load_settings()
    read = sha256 or run_of(settings, run).report_sha256
    signed = enter(settings, run, read, "approved" if approve else "rejected", name, remark)
    console.print(
        f"Run {run} {signed.decision} by {signed.signed_by}, {signed.signed_at:%Y-%m-%d %H:%M:%S} UTC. "
        f"SHA-256 of the report: {read}",
        highlight=False,
        soft_wrap=True,
    )
