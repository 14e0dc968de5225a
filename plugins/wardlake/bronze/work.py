"""Folders for files of a task that is under way, named after their process: a killed one leaves them behind."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from time import time

import psutil

from wardlake.settings import Settings

NAME = re.compile(r"(?:extract|backfill|compact|verify)-(?P<process>\d+)-\w+")


@contextmanager
def work_folder(settings: Settings, verb: str) -> Iterator[Path]:
    """An empty folder below `WARDLAKE_HOME/tmp`, deleted at the end."""
    settings.temp_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.temp_dir, prefix=f"{verb}-{os.getpid()}-") as folder:
        yield Path(folder)


def left_behind(settings: Settings, grace: timedelta) -> list[Path]:
    """Work folders that nothing was added to for `grace` and whose process is gone."""
    found = []
    for folder in sorted(settings.temp_dir.glob("*-*-*")):
        with suppress(FileNotFoundError):  # its process has just ended
            used_at = folder.stat().st_mtime
            named = NAME.fullmatch(folder.name)
            if named and used_at < time() - grace.total_seconds() and not _is_at_work(int(named["process"]), used_at):
                found.append(folder)
    return found


def _is_at_work(process: int, used_at: float) -> bool:
    try:
        # a process that began after the folder was used has only got the number of the one that made it
        return psutil.Process(process).create_time() <= used_at
    except psutil.NoSuchProcess:
        return False
