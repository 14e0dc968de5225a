"""A loaded reference hospital on PostgreSQL and an S3 server of its own, and a `wardlake run` that is measured."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    """What a run took: seconds, and the greatest sum of the resident memory of its processes."""

    seconds: float
    peak_mb: float


@contextmanager
def hospital(patients: int) -> Iterator[Settings]:
    """Settings of a hospital of this size that no run has touched yet; everything is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wardlake-benchmark-") as folder:
        home = Path(folder) / "home"
        os.environ["WARDLAKE_HOME"] = str(home)
        before = load_settings()
        try:
            settings = stack.save_settings(before, stack.start_servers(before, echo), SOURCES)
            Lake(settings).ensure_buckets()
            load_reference(settings, postgres.uri(home, "hospital"), patients=patients)
            yield settings
        finally:
            stack.down(home)


def measured_run(settings: Settings, window: Window, *options: str) -> Measured:
    """`wardlake run` as a user starts it. Memory that its processes share counts for each: the peak is an upper bound."""
    begun = time.perf_counter()
    command = [Path(sys.executable).with_name("wardlake"), "run", "--window", str(window), *options]
    process = psutil.Popen(command, env=settings.environment())
    peak = 0
    while process.poll() is None:
        peak = max(peak, _resident_bytes(process))
        time.sleep(SAMPLE_S)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Measured(seconds, peak / 2**20)


def _resident_bytes(process: psutil.Process) -> int:
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # it ended while it was looked at
    return total
