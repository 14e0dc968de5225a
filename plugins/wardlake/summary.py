"""What a run or a demo tells at its end: rows at each layer, headline figures, seconds, where to look."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from wardlake.bronze import Extraction
from wardlake.headlines import HEADLINES
from wardlake.publish import Publication
from wardlake.query import query
from wardlake.run import RunSummary
from wardlake.settings import Settings


def print_summary(console: Console, settings: Settings, summary: RunSummary) -> None:
    """Tell what `wardlake run` did."""
    if summary.publication:
        print_published(console, settings, summary.publication, summary.report, summary.seconds)
    print_batches(console, summary.extractions)
    if not summary.publication:
        console.print("Nothing was built or published; 'wardlake status' shows the verdicts", highlight=False)


def print_batches(console: Console, extractions: Sequence[Extraction]) -> None:
    """Tell how many batches were made, and of which tables nothing arrived; a window has one batch, full or empty."""

    def tell(text: str) -> None:
        console.print(text, soft_wrap=True, highlight=False)

    old = [one.manifest for one in extractions if not one.is_new]
    tell(f"Batches: {len(extractions) - len(old)} new, {len(old)} of this window were there already")
    if empty := [f"{one.manifest.source}.{one.manifest.table}" for one in extractions if not one.manifest.arrived]:
        tell(f"Nothing arrived for {', '.join(empty)}")
    if old:
        tell("What has come since is left to the next window; 'wardlake run --window START/END' takes another one now")


def print_published(
    console: Console, settings: Settings, publication: Publication, report: Path | None, seconds: dict[str, float]
) -> None:
    """Tell what was published, and where to look."""
    console.print(_inputs(publication))
    console.print(_tables(publication))
    console.print(headlines_table(settings))
    console.print(_seconds(seconds))
    places = {
        **{f"Published gold ({kind})": place for kind, place in publication.places.items()},
        "Quality report": report or "none",
        "Ask gold": ".venv/bin/wardlake query 'SELECT * FROM gold.monthly_patient_metrics'",
    }
    for name, place in places.items():
        console.print(f"{name}: {place}", soft_wrap=True, highlight=False)


def _inputs(publication: Publication) -> Table:
    table = Table(
        "table",
        "source",
        "bronze",
        "quarantined",
        "accepted",
        "of these by hand",
        title="Rows on the way",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for one in publication.inputs:
        accepted = one.bronze_rows - one.quarantined_rows
        counts = (one.source_rows, one.bronze_rows, one.quarantined_rows, accepted, one.accepted_by_hand)
        table.add_row(f"{one.source}.{one.table}", *(f"{count:,}" for count in counts))
    return _right_aligned(table, first=1)


def _tables(publication: Publication) -> Table:
    table = Table("table", "rows", title=f"Published as {publication.publication_id}")
    for name, rows in sorted(publication.tables.items(), key=lambda item: (item[0].startswith("gold."), item[0])):
        table.add_row(name, f"{rows:,}")
    return _right_aligned(table, first=1)


def headlines_table(settings: Settings) -> Table:
    """Bed occupancy, nursing hours and drug cost per patient day of each facility, from published gold."""
    names = ("facility", "year", "bed occupancy", "nursing hours per patient day", "drug cost per patient day")
    table = Table(*names, title="Headline figures")
    for row in query(settings, HEADLINES).itertuples(index=False):
        facility, year, occupancy, hours, cost, currency = (None if pd.isna(value) else value for value in row)
        table.add_row(
            facility,
            str(year),
            "unknown" if occupancy is None else f"{occupancy:.1%}",
            "unknown" if hours is None else f"{hours:.2f} h",
            "unknown" if cost is None else f"{cost:.2f} {currency}",
        )
    return _right_aligned(table, first=1)


def _seconds(seconds: dict[str, float]) -> Table:
    table = Table("stage", "seconds", title="Time")
    for stage, duration in seconds.items():
        table.add_row(stage, f"{duration:.1f}")
    return _right_aligned(table, first=1)


def _right_aligned(table: Table, first: int) -> Table:
    for column in table.columns[first:]:
        column.justify = "right"
    return table
