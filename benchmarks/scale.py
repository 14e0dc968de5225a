"""Time, peak memory and rows of `wardlake run` for hospitals of several sizes, and how time grows with rows.

    python benchmarks/scale.py [--patients 10000 --patients 100000] [--million] [--json FILE]

Each size is a run from empty buckets to published gold, on servers of its own on this machine. The exponent is the
slope of log(seconds) over log(rows), fitted over all sizes: 1 is proportional. Small hospitals flatter it, as much of
their time does not depend on rows; the slope between the two largest sizes is told as well.
"""

import math
import statistics
from pathlib import Path
from typing import Annotated

import typer
from hospital import hospital, measured_run
from report import tell

from wardlake.embedded.demo import WINDOW
from wardlake.publish import current_publication

EXPONENT_LIMIT = 1.05
MEMORY_LIMIT_MB = 10 * 1024
DEFAULT_PATIENTS = [10_000, 100_000]


def main(
    patients: Annotated[list[int] | None, typer.Option(help="Size of a hospital; give it again for more.")] = None,
    *,
    million: Annotated[bool, typer.Option("--million", help="One million patients as well.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here as well.")] = None,
) -> None:
    """Run each size once, from the smallest to the largest."""
    sizes = sorted({*(patients or DEFAULT_PATIENTS), *([1_000_000] if million else [])})
    if len(sizes) < 2:
        raise typer.BadParameter("an exponent needs two sizes")
    rows = [_measure(size) for size in sizes]
    points = [(math.log(row["bronze_rows"]), math.log(row["seconds"])) for row in rows]
    facts = {
        "exponent": _slope(points),
        "exponent_of_the_largest": _slope(points[-2:]),
        "exponent_limit": EXPONENT_LIMIT,
        "peak_mb": max(row["peak_mb"] for row in rows),
        "peak_mb_limit": MEMORY_LIMIT_MB,
    }
    tell("wardlake run on the reference hospital", [dict(row) for row in rows], facts, json_file)
    is_met = max(facts["exponent"], facts["exponent_of_the_largest"]) <= EXPONENT_LIMIT
    raise SystemExit(not is_met or facts["peak_mb"] > MEMORY_LIMIT_MB)


def _measure(patients: int) -> dict[str, float]:
    with hospital(patients) as settings:
        measured = measured_run(settings, WINDOW)
        publication = current_publication(settings)
    assert publication is not None, "a run that ended well has published"
    return {
        "patients": patients,
        "bronze_rows": sum(one.bronze_rows for one in publication.inputs),
        "published_rows": sum(publication.tables.values()),
        "seconds": measured.seconds,
        "peak_mb": measured.peak_mb,
    }


def _slope(points: list[tuple[float, float]]) -> float:
    logs_of_rows, logs_of_seconds = zip(*points, strict=True)
    return statistics.linear_regression(logs_of_rows, logs_of_seconds).slope


if __name__ == "__main__":
    typer.run(main)
