"""The quality report of a run: one self-contained HTML file with counts, never a value."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from wardlake.quality.verdicts import Verdict
from wardlake.settings import Settings

if TYPE_CHECKING:
    from wardlake.warehouse.expose import Exposed


def write_report(settings: Settings, *, run_id: str, exposed: Sequence["Exposed"], verdicts: Sequence[Verdict]) -> Path:
    """Write the report of a run below `settings.reports_dir` and return its path."""
    templates = Environment(
        loader=PackageLoader("wardlake.quality"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    path = settings.reports_dir / f"{run_id}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    html = templates.get_template("report.html.j2").render(run_id=run_id, exposed=exposed, verdicts=verdicts)
    path.write_text(html, encoding="utf-8")
    return path
