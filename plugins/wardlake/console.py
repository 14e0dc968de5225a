"""How the `wardlake` command talks: progress bars on a terminal, one line for each step elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

WIDE = 200
"""Columns in a file or a pipe, where nobody could widen the window: no name in a table is cut off."""

console = Console(width=None if sys.stdout.isatty() else WIDE)
errors = Console(stderr=True, width=None if sys.stderr.isatty() else WIDE)

Show = Callable[[str, str, int, int], None]
"""Called with stage, the item that has ended, how many items have ended, and how many there are."""


@contextmanager
def stage_progress(stages: tuple[str, ...]) -> Iterator[Show]:
    """Progress over named stages; yields the function that reports it."""
    if not console.is_terminal:
        yield lambda stage, item, done, total: print(f"{stage} {done}/{total or '?'} {item}", flush=True)
        return
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[item]}"), console=console) as bars:
        tasks = {stage: bars.add_task(stage, total=None, item="", start=False) for stage in stages}

        def show(stage: str, item: str, done: int, total: int) -> None:
            bars.start_task(tasks[stage])
            bars.update(tasks[stage], completed=done, total=total or None, item=item)

        yield show
