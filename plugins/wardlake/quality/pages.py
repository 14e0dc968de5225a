"""Pages that follow the ledger and are not signed: the index, a page per year and month, and one per source.

A run renews its own month only, so that the years before cost nothing.
"""

from collections.abc import Collection
from itertools import groupby

from wardlake.ledger import open_ledger
from wardlake.quality.rendering import render, replace_file
from wardlake.quality.runs import latest_of, runs_of_month
from wardlake.quality.summary import RunReport
from wardlake.settings import Settings


def renew_pages(settings: Settings, report: RunReport) -> None:
    """Write the pages of the report's sources, of its month, and the index.

    Raises:
        PermanentError: an entry of the ledger cannot be read.
        PassingError: the store did not answer.
    """
    for source, tables in report.sources:
        page = render("source.html.j2", source=source, tables=tables, run_id=report.run_id)
        replace_file(settings.reports_dir / f"source-{source}.html", page.encode())
    renew_index(settings, [report.run_id])


def renew_index(settings: Settings, run_ids: Collection[str]) -> None:
    """Write the index and the pages of the months of these runs, after they were reported or signed.

    Pages of other months are written if they are missing: on a new machine.

    Raises:
        PermanentError: an entry of the ledger cannot be read.
        PassingError: the store did not answer.
    """
    folder = settings.reports_dir
    with open_ledger(settings) as ledger:
        months = ledger.execute(
            "SELECT strftime(entry_at, '%Y-%m') AS month, count(*), bool_or(run_id IN (SELECT unnest(?))) "
            "FROM quality.runs GROUP BY ALL ORDER BY month DESC",
            [list(run_ids)],
        ).fetchall()
        for month, _, is_touched in months:
            path = folder / f"month-{month}.html"
            if is_touched or not path.exists():
                runs = runs_of_month(ledger, month)
                replace_file(path, render("month.html.j2", month=month, runs=runs).encode())
        latest = latest_of(ledger)
    years = {year: list(own) for year, own in groupby(months, lambda row: row[0][:4])}
    for year, own in years.items():
        path = folder / f"year-{year}.html"
        if not path.exists() or any(is_touched for *_, is_touched in own):
            replace_file(path, render("year.html.j2", year=year, months=own).encode())
    sources = sorted(path.stem.removeprefix("source-") for path in folder.glob("source-*.html"))
    page = render("index.html.j2", runs=latest, years=list(years), sources=sources)
    replace_file(folder / "index.html", page.encode())
