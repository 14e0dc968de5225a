"""The commands of the stack: up, down, clean, demo and load."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wardlake.console import console, stage_progress
from wardlake.settings import load_settings

if TYPE_CHECKING:
    from wardlake.embedded.rest import Airflow


def up() -> None:
    """Start PostgreSQL, the S3 server and Airflow, and leave them running."""
    from wardlake.embedded import stack  # noqa: PLC0415  keeps `wardlake --help` quick

    _print_login(stack.up(console.print).airflow)


def down() -> None:
    """Stop every process that was started."""
    from wardlake.embedded import stack  # noqa: PLC0415

    console.print("Stopped." if stack.down(load_settings().home) else "Nothing was running.")


def clean(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop everything, then forget all state: databases, lake, warehouse, published gold."""
    from wardlake.embedded import stack  # noqa: PLC0415

    home = load_settings().home
    if not yes:
        typer.confirm(f"Delete {home}?", abort=True)
    stack.clean(home)
    console.print(f"Deleted {home}.", highlight=False)


class Hospital(StrEnum):
    """Hospitals that the demo can load."""

    reference = "reference"
    mimic3 = "mimic3"


def demo(
    hospital: Annotated[
        Hospital, typer.Option(help="Generated reference hospital, or MIMIC-III demo.")
    ] = Hospital.reference,
    patients: Annotated[int, typer.Option(min=100, help="Size of the reference hospital.")] = 10_000,
    real_data: Annotated[
        Path | None, typer.Option(envvar="WARDLAKE_REAL_DATA", help="Folder that holds mimic3_demo/.")
    ] = None,
) -> None:
    """Load a hospital and take it to published gold, through Airflow."""
    from wardlake.embedded import demo as whole_way  # noqa: PLC0415
    from wardlake.summary import print_published  # noqa: PLC0415

    with stage_progress(whole_way.stages(load_settings(), hospital)) as show:
        outcome = whole_way.demo(whole_way.Order(hospital, patients, real_data), show)
    settings = outcome.stack.settings
    print_published(console, settings, outcome.publication, outcome.report, outcome.seconds)
    _print_login(outcome.stack.airflow)


def load(
    hospital: Annotated[Hospital, typer.Argument(help="Generated reference hospital, or MIMIC-III demo.")],
    database: Annotated[
        str, typer.Option(envvar="WARDLAKE_LOAD_DATABASE", help="Address of an empty database, of a user who owns it.")
    ],
    patients: Annotated[int, typer.Option(min=100, help="Size of the reference hospital.")] = 10_000,
    real_data: Annotated[
        Path | None, typer.Option(envvar="WARDLAKE_REAL_DATA", help="Folder that holds mimic3_demo/.")
    ] = None,
) -> None:
    """Fill the systems of a hospital: its database, and its files in the landing bucket. Safe to repeat."""
    from wardlake.embedded.demo import mimic3_folder  # noqa: PLC0415
    from wardlake.reference import load_mimic3, load_reference  # noqa: PLC0415

    if hospital is Hospital.reference:
        rows = load_reference(
            load_settings(), database, patients=patients, progress=lambda step: console.print(f"{step} …")
        ).rows
    else:
        rows = load_mimic3(database, mimic3_folder(real_data))
    console.print(f"{sum(rows.values()):,} rows in {len(rows)} tables.", highlight=False)


def _print_login(airflow: "Airflow") -> None:
    told = f"Airflow: {airflow.address} (user {airflow.user}, password {airflow.password})"
    console.print(told, soft_wrap=True, highlight=False)
