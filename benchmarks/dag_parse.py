"""Seconds that Airflow needs to parse each DAG file once imports are warm.

    python benchmarks/dag_parse.py [--json FILE]

Every file is parsed five times in one process after a first parse that pays for the imports; the median counts.
The home of a demo (`WARDLAKE_HOME`) gives the manifest from which the build DAG is made.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from report import tell

from wardlake.settings import PROJECT_ROOT, load_settings
from wardlake.warehouse import dbt

REPEATS = 5
LIMIT_S = 0.5


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here as well.")] = None,
) -> None:
    """Parse the DAG files and print the seconds of each."""
    with tempfile.TemporaryDirectory(prefix="airflow-") as folder:
        os.environ["AIRFLOW_HOME"] = folder
        slowest = _measure(json_file)
    raise SystemExit(slowest > LIMIT_S)


def _measure(json_file: Path | None) -> float:
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(PROJECT_ROOT / "plugins")
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(PROJECT_ROOT / "dags")
    settings = load_settings()
    if not (settings.dbt_target_dir / "manifest.json").exists():
        dbt.parse(settings)

    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415  reads the environment when imported

    bag = DagBag(PROJECT_ROOT / "dags", collect_dags=False)
    rows: list[dict[str, object]] = []
    for path in sorted((PROJECT_ROOT / "dags").glob("*.py")):
        found = [_seconds(bag, path) for _ in range(REPEATS + 1)]
        (cold, dags), warm = found[0], [seconds for seconds, _ in found[1:]]
        rows.append({"file": path.name, "dags": dags, "first_s": cold, "warm_s": statistics.median(warm)})
    if bag.import_errors:
        raise SystemExit("\n".join(bag.import_errors.values()))
    slowest = max(float(str(row["warm_s"])) for row in rows)
    tell("DAG files", rows, {"slowest_warm_s": slowest, "limit_s": LIMIT_S}, json_file)
    return slowest


def _seconds(bag: "DagBag", path: Path) -> tuple[float, int]:  # type: ignore[name-defined]  # noqa: F821
    begun = time.perf_counter()
    dags = bag.process_file(str(path), only_if_updated=False)
    return time.perf_counter() - begun, len(dags)


if __name__ == "__main__":
    typer.run(main)
