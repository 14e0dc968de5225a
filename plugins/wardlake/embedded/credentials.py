"""Passwords and keys of the embedded servers: made once, kept in `<home>/secrets`, readable by the owner only."""

import secrets
from collections.abc import Callable
from pathlib import Path


def credential(home: Path, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(48)) -> str:
    """The credential of that name; it is made when it is asked for the first time."""
    folder = home / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    if not path.exists():
        write_private(path, make())
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; only its owner may read it."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(path)
