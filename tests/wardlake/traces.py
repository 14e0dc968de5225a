"""What a stack has left on the machine."""

import os
from pathlib import Path

import psutil

from wardlake.embedded import processes


def processes_of(home: Path) -> list[str]:
    """Every process that names the home in its command, works in it, or has a file of it open."""
    places = (str(home), str(processes.runtime_dir(home)))
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            traces = [*process.cmdline(), process.cwd(), *(file.path for file in process.open_files())]
        except psutil.Error:
            continue
        if any(place in trace for place in places for trace in traces):
            found.append(f"{process.pid} {process.cmdline()}")
    return found
