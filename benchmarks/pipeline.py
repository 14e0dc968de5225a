"""The reference hospital from trigger to published gold: through Airflow, and with `wardlake run` alone.

    python benchmarks/pipeline.py [--patients N] [--json FILE]

Both do the same work in one run of this program: they read the same PostgreSQL and landing files, each writes buckets
and a warehouse of its own. Airflow is up and idle while `wardlake run` is timed. The state lives in a temporary folder.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from report import tell

from wardlake.console import stage_progress
from wardlake.embedded import stack
from wardlake.embedded.demo import WINDOW, Order, demo, stages
from wardlake.lake import Lake
from wardlake.settings import Settings, load_settings

LIMIT = 3.0


def main(
    patients: Annotated[int, typer.Option(help="Size of the reference hospital.")] = 10_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here as well.")] = None,
) -> None:
    """Time both ways and print their ratio."""
    with tempfile.TemporaryDirectory(prefix="wardlake-benchmark-") as folder:
        home = Path(folder) / "home"
        os.environ["WARDLAKE_HOME"] = str(home)
        try:
            with stage_progress(stages(load_settings(), "reference")) as show:
                outcome = demo(Order("reference", patients), show)
            alone = _seconds_alone(outcome.stack.settings, Path(folder) / "alone")
        finally:
            stack.down(home)
    through_airflow = outcome.seconds["from trigger to published gold"]
    rows: list[dict[str, object]] = [
        {"way": "wardlake run", "seconds": alone},
        {"way": "Airflow, from trigger to published gold", "seconds": through_airflow},
    ]
    ratio = through_airflow / alone
    tell(
        f"Reference hospital, {patients:,} patients",
        rows,
        {"ratio": ratio, "limit": LIMIT, "bronze_rows": sum(one.bronze_rows for one in outcome.publication.inputs)},
        json_file,
    )
    raise SystemExit(ratio > LIMIT)


def _seconds_alone(settings: Settings, home: Path) -> float:
    """Seconds of `wardlake run` as a user starts it, with empty buckets and an empty warehouse."""
    own = settings.model_copy(update={"home": home, "bucket_prefix": "alone"})
    lake, landing = Lake(own), settings.bucket("landing")
    lake.ensure_buckets()
    for key in lake.list(landing):
        lake.client.copy_object(Bucket=own.bucket("landing"), Key=key, CopySource={"Bucket": landing, "Key": key})
    window = f"{WINDOW.start.isoformat()}/{WINDOW.end.isoformat()}"
    begun = time.perf_counter()
    subprocess.run(
        [Path(sys.executable).with_name("wardlake"), "run", "--window", window], env=own.environment(), check=True
    )
    return time.perf_counter() - begun


if __name__ == "__main__":
    typer.run(main)
