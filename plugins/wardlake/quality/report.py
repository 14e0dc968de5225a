"""The quality report of a run: one self-contained HTML file with counts, never a value, and an index of the latest."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from wardlake.quality.keeping import keep_report
from wardlake.quality.summary import RunReport, summarise
from wardlake.quality.verdicts import Verdict
from wardlake.settings import Settings
from wardlake.version import code_version

if TYPE_CHECKING:
    from wardlake.warehouse.expose import Exposed

LATEST = 50
"""Reports that the index lists; it does not grow with the years."""


def report_run(
    settings: Settings,
    *,
    run_id: str,
    exposed: Sequence["Exposed"],
    verdicts: Sequence[Verdict],
    dag_run: str | None = None,
) -> Path:
    """Write the report of a run, store it for good and enter the run into the ledger; return the report's path.

    A run has one report: if it has one already, that one is returned.

    Raises:
        PermanentError: the store refuses the write.
        PassingError: the store did not answer.
    """
    path = write_report(settings, run_id=run_id, exposed=exposed, verdicts=verdicts)
    kept = keep_report(settings, summarise(run_id, exposed, verdicts), path.read_bytes(), dag_run)
    _replace(path, kept.decode())
    return path


def write_report(settings: Settings, *, run_id: str, exposed: Sequence["Exposed"], verdicts: Sequence[Verdict]) -> Path:
    """Write `<run_id>.html` below `settings.reports_dir`, renew `index.html` there, and return the report's path.

    `exposed` says what silver reads of each table; it may be empty if nothing was let through.
    """
    report = summarise(run_id, exposed, verdicts)
    facts = {"written_at": datetime.now(UTC), "code_version": code_version()}
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    (settings.reports_dir / f"{run_id}.json").write_text(json.dumps(_index_entry(report, facts["written_at"])))
    _replace(
        settings.reports_dir / "index.html", _render("index.html.j2", entries=_latest(settings.reports_dir), **facts)
    )
    path = settings.reports_dir / f"{run_id}.html"
    _replace(path, _render("report.html.j2", report=report, **facts))
    return path


def _index_entry(report: RunReport, written_at: object) -> dict[str, object]:
    return {
        "run_id": report.run_id,
        "written_at": f"{written_at:%Y-%m-%d %H:%M}",
        "status": report.status,
        "headline": report.headline,
        "tables": len(report.tables),
        "bronze_rows": report.bronze_rows,
        "quarantined_rows": report.quarantined_rows,
        "failed_rules": len(report.findings),
    }


def _latest(folder: Path) -> list[dict[str, object]]:
    """Entries of the latest reports, newest first; ids of runs begin with their time."""
    names = sorted((path.name for path in folder.glob("*.json")), reverse=True)[:LATEST]
    return [json.loads((folder / name).read_text()) for name in names]


def _render(template: str, **values: object) -> str:
    templates = Environment(
        loader=PackageLoader("wardlake.quality"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["count"] = lambda number: f"{number:,}"
    templates.filters["words"] = lambda name: name.replace("_", " ")
    return templates.get_template(template).render(**values)


def _replace(path: Path, content: str) -> None:
    """A reader sees the former file or the new one, never half of it."""
    temporary = path.with_suffix(".unfinished")
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(path)
