"""A loaded reference hospital on PostgreSQL and an S3 server of its own, and a `wardlake run` that is measured."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from typer import echo

from wardlake.embedded import postgres, stack
from wardlake.lake import Lake
from wardlake.reference import load_reference
from wardlake.settings import Settings, load_settings
from wardlake.window import Window

SOURCES = ("reference", "reference_pharmacy")
SAMPLE_S = 0.1


@dataclass(frozen=True)
class Measured:
    """What a run took: seconds in all and of each stage, and the greatest resident memory of its processes together."""

    seconds: float
    stages: dict[str, float]
    peak_mb: float


@contextmanager
def servers() -> Iterator[Settings]:
    """Settings of an empty PostgreSQL and an empty S3 server; everything is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wardlake-benchmark-") as folder:
        home = Path(folder) / "home"
        os.environ["WARDLAKE_HOME"] = str(home)
        before = load_settings()
        try:
            settings = stack.save_settings(before, stack.start_servers(before, echo), SOURCES)
            Lake(settings).ensure_buckets()
            yield settings
        finally:
            stack.down(home)


@contextmanager
def hospital(patients: int) -> Iterator[Settings]:
    """Settings of a hospital of this size that no run has touched yet; everything is gone afterwards."""
    with servers() as settings:
        load_reference(settings, postgres.uri(settings.home, "hospital"), patients=patients)
        yield settings


def measured_run(settings: Settings, window: Window, *options: str) -> Measured:
    """`wardlake run` as a user starts it. Memory that its processes share counts once for each of them."""
    begun = time.perf_counter()
    command = [Path(sys.executable).with_name("wardlake"), "run", "--window", str(window), *options]
    process = psutil.Popen(command, env=settings.environment(), stdout=subprocess.PIPE, text=True)
    with ThreadPoolExecutor(1) as pool:
        peak = pool.submit(_peak_bytes, process)
        marks = [(line.split()[0], time.perf_counter()) for line in process.stdout if line.endswith(" begins\n")]
        code = process.wait()
    ended = time.perf_counter()
    if code:
        raise subprocess.CalledProcessError(code, command)
    ends = [at for _, at in marks[1:]] + [ended]
    stages = {stage: end - at for (stage, at), end in zip(marks, ends, strict=True)}
    return Measured(ended - begun, stages, peak.result() / 2**20)


def _peak_bytes(process: psutil.Process) -> int:
    peak = 0
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):  # one of them ended while it was looked at
            family = [process, *process.children(recursive=True)]
            peak = max(peak, sum(one.memory_info().rss for one in family))
        time.sleep(SAMPLE_S)
    return peak
