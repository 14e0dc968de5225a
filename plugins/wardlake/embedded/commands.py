"""The commands of the stack: up, down, clean and demo."""

from typing import Annotated

import typer

from wardlake.console import console
from wardlake.settings import load_settings


def up() -> None:
    """Start PostgreSQL, the S3 server and Airflow, and leave them running."""
    from wardlake.embedded import stack  # noqa: PLC0415  keeps `wardlake --help` quick

    running = stack.up(console.print)
    airflow = running.airflow
    console.print(f"Airflow: {airflow.address}  user {airflow.user}  password {airflow.password}", highlight=False)


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
