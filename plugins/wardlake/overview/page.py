"""One self-contained HTML page for each hospital: no script, nothing from another host, readable offline."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from wardlake.overview import plots
from wardlake.overview.figures import Facility, Figures, read_figures
from wardlake.publish import Publication, current_publication
from wardlake.settings import Settings
from wardlake.version import code_version


def write_overview(settings: Settings, facility_id: str | None = None) -> Path:
    """Write `overview-<facility>.html` below `settings.reports_dir`; of the first hospital if none is named.

    Raises:
        PermanentError: nothing was published, or gold knows no such hospital.
    """
    figures, facilities = read_figures(settings, facility_id)
    text = render(figures, facilities, current_publication(settings))
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    path = settings.reports_dir / f"overview-{figures.facility.facility_id}.html"
    path.write_text(text, encoding="utf-8")
    return path


def render(figures: Figures, facilities: list[Facility], publication: Publication | None) -> str:
    """The page as HTML."""
    templates = Environment(
        loader=ChoiceLoader([PackageLoader("wardlake.overview"), PackageLoader("wardlake.quality")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("overview.html.j2").render(
        facility=figures.facility,
        others=[one for one in facilities if one != figures.facility],
        cards=list(_cards(figures)),
        drawn=dict(_drawn(figures)),
        publication=publication,
        written_at=datetime.now(UTC),
        code_version=code_version(),
    )


def _cards(figures: Figures) -> Iterator[tuple[str, str]]:
    """Value and meaning of each headline figure that is known."""
    currency = figures.facility.currency_code or ""
    for _, row in figures.headlines.iterrows():
        for name, written, what in (
            ("bed_occupancy", "{:.1%}", "bed occupancy"),
            ("nursing_hours", "{:.2f} h", "nursing hours per patient day"),
            ("cost_per_patient_day", f"{{:,.2f}} {currency}", "drug cost per patient day"),
        ):
            if pd.notna(row[name]):
                yield written.format(row[name]), f"{what}, {row['newest_year']:.0f}"


def _drawn(figures: Figures) -> Iterator[tuple[str, str]]:
    currency = figures.facility.currency_code or "unknown currency"
    if figures.occupancy["occupancy_pct"].notna().any():
        yield "occupancy", plots.occupancy_by_ward(figures.occupancy)
    if len(figures.staffing):
        yield "staffing", plots.staffing(figures.staffing)
    if len(figures.cost):
        yield "cost", plots.drug_cost(figures.cost, currency)
    if len(figures.drivers):
        yield "drivers", plots.cost_drivers(figures.drivers, currency)
