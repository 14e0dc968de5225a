"""The commands of the stack: up, down, clean and demo."""

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
    patients: Annotated[int, typer.Option(min=10, help="Size of the reference hospital.")] = 10_000,
    real_data: Annotated[
        Path | None, typer.Option(envvar="WARDLAKE_REAL_DATA", help="Folder that holds mimic3_demo/.")
    ] = None,
) -> None:
    """Load a hospital and take it to published gold, through Airflow."""
    from wardlake.embedded import demo as whole_way  # noqa: PLC0415
    from wardlake.summary import print_published  # noqa: PLC0415

    with stage_progress(whole_way.stages(hospital)) as show:
        outcome = whole_way.demo(whole_way.Order(hospital, patients, real_data), show)
    settings = outcome.stack.settings
    print_published(console, settings, outcome.publication, outcome.report, outcome.seconds)
    _print_login(outcome.stack.airflow)


def _print_login(airflow: "Airflow") -> None:
    console.print(f"Airflow: {airflow.address}  user {airflow.user}  password {airflow.password}", highlight=False)
