"""Pages of HTML from the templates, written so that a reader never sees half of one."""

import os
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from wardlake.version import code_version

PLOT_HEIGHT = 24
BAR_WIDTH = 4


def render(template: str, **values: object) -> str:
    """The page that a template makes of values."""
    facts = {"written_at": datetime.now(UTC), "code_version": code_version()}
    return _templates().get_template(template).render(**facts, **values)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file; a reader sees the former one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)


def bars(values: Sequence[float | None], top: float | None = None) -> str:
    """Path of an SVG with a bar for each value, as high as its part of the greatest; none for what is not known."""
    greatest = top or max((value for value in values if value is not None), default=0) or 1
    heights = [None if value is None else max(1.0, PLOT_HEIGHT * value / greatest) for value in values]
    return "".join(
        f"M{BAR_WIDTH * number} {PLOT_HEIGHT}v{-height:.4g}h{BAR_WIDTH - 1}v{height:.4g}z"
        for number, height in enumerate(heights)
        if height is not None
    )


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("wardlake.quality"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["count"] = lambda number: f"{number:,}"
    templates.filters["words"] = lambda name: name.replace("_", " ")
    templates.filters["bars"] = bars
    templates.filters["day"] = lambda moment: f"{moment:%Y-%m-%d}"
    templates.filters["minute"] = lambda moment: f"{moment:%Y-%m-%d %H:%M}"
    return templates
