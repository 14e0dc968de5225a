"""The quality report of a run: one self-contained HTML file with counts and row ids, signed as it is for ever."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wardlake.quality.evidence import with_evidence
from wardlake.quality.keeping import keep_report
from wardlake.quality.pages import renew_pages
from wardlake.quality.rendering import render, replace_file
from wardlake.quality.summary import RunReport, summarise
from wardlake.quality.verdicts import Verdict
from wardlake.settings import Settings

if TYPE_CHECKING:
    from wardlake.warehouse.expose import Exposed


def report_run(
    settings: Settings,
    *,
    run_id: str,
    exposed: Sequence["Exposed"],
    verdicts: Sequence[Verdict],
    dag_run: str | None = None,
) -> Path:
    """Write the report of a run, store it for good and enter the run into the ledger; return the report's path.

    A run has one report: if it has one already, that one is returned. `exposed` says what silver reads of each table;
    it may be empty if nothing was let through. The pages about sources and the index follow.

    Raises:
        PermanentError: the store refuses the write, or an object of which the report tells is gone.
        PassingError: the store did not answer.
    """
    report = with_evidence(settings, summarise(run_id, exposed, verdicts))
    kept = keep_report(settings, report, render_report(report).encode(), dag_run)
    path = settings.reports_dir / f"{run_id}.html"
    replace_file(path, kept)
    renew_pages(settings, report)
    return path


def render_report(report: RunReport) -> str:
    """The page. How the run was signed is not in it, as the signature is on these very bytes."""
    return render("report.html.j2", report=report)
