"""How every benchmark tells its figures: a table on the terminal and, with `--json FILE`, the same as JSON."""

import json
import os
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from wardlake.version import code_version


def tell(title: str, rows: list[dict[str, object]], facts: dict[str, object], json_file: Path | None) -> None:
    """Print `rows` (same keys in each) and `facts`; write both to `json_file` if one is given."""
    table = Table(title=title)
    for name in rows[0]:
        table.add_column(name, justify="right" if isinstance(rows[0][name], int | float) else "left")
    for row in rows:
        table.add_row(*(f"{value:,.2f}" if isinstance(value, float) else f"{value}" for value in row.values()))
    console = Console()
    console.print(table)
    for name, value in facts.items():
        console.print(f"{name}: {value:.2f}" if isinstance(value, float) else f"{name}: {value}")
    if json_file:
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "code_version": code_version()}
        json_file.write_text(json.dumps({"rows": rows, **facts, "machine": machine}, indent=1))
