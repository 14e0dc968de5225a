"""Which code wrote a batch, a verdict or a publication."""

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@cache
def code_version() -> str:
    """The package's version and, in a git checkout, its commit: `0.1.0+3f2a9c1` (`-dirty` if files differ)."""
    try:
        release = version("wardlake")
    except PackageNotFoundError:
        release = "0"
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{release}+{described.stdout.strip()}" if described.returncode == 0 else release
