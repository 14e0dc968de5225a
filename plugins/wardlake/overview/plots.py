"""Plots as SVG text that stands in a page without any file beside it."""

import io
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

WIDTH_IN = 10.0
INK, SOFT, LINE = "#1d2430", "#5b6675", "#e3e1dc"
BEDS, STAFF, COST, MORE, LESS = "#3b6fb6", "#2f7d5b", "#7a4fa3", "#b4322f", "#2f7d5b"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "wardlake",
    "font.family": "sans-serif",
    "font.sans-serif": ["system-ui", "DejaVu Sans"],
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
}


def occupancy_by_ward(occupancy: pd.DataFrame) -> str:
    """A row of coloured days for each ward, the fullest ward on top; days without known beds are left blank."""
    table = occupancy.pivot_table(index="ward", columns="census_date", values="occupancy_pct", dropna=False)
    table = table.loc[table.mean(axis=1).sort_values(ascending=False, na_position="last").index]
    with mpl.rc_context(STYLE):
        figure, axes = _figure(height_in=0.9 + 0.32 * len(table))
        colours = mpl.colormaps["RdYlBu_r"].with_extremes(bad="#f2f1ee")
        days = pd.to_datetime(table.columns)
        edges = date2num([*days, days[-1] + pd.Timedelta(days=1)])  # type: ignore[no-untyped-call]
        mesh = axes.pcolormesh(
            edges, np.arange(len(table) + 1), table.to_numpy(float), cmap=colours, vmin=40, vmax=120, rasterized=True
        )
        axes.set_yticks(np.arange(len(table)) + 0.5, [f"{ward}" for ward in table.index])
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.xaxis_date()
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))  # type: ignore[no-untyped-call]
        figure.colorbar(mesh, ax=axes, pad=0.015, fraction=0.03, extend="both", format="%d %%").outline.set_visible(
            False
        )
        return _svg(figure)


def staffing(months: pd.DataFrame) -> str:
    """Patient days of each month, and below them the nursing hours that each patient day got."""
    return _bars_and_line(
        months,
        ("patient_days", "patient days", BEDS),
        ("hours_per_patient_day", "nursing hours per patient day", STAFF),
    )


def drug_cost(months: pd.DataFrame, currency: str) -> str:
    """Drug cost of each month, and below it the cost per patient day."""
    return _bars_and_line(
        months,
        ("cost", f"drug cost, {currency}", COST),
        ("cost_per_patient_day", f"{currency} per patient day", INK),
    )


def cost_drivers(drivers: pd.DataFrame, currency: str) -> str:
    """For each drug a bar of what prices and one of what quantities added to the cost, the greatest change on top."""
    with mpl.rc_context(STYLE):
        figure, axes = _figure(height_in=0.9 + 0.42 * len(drivers))
        places = np.arange(len(drivers))
        for offset, name, colour in ((-0.19, "price", COST), (0.19, "volume", BEDS)):
            axes.barh(places + offset, drivers[name].to_numpy(float), height=0.36, color=colour, label=f"{name} effect")
        axes.set_yticks(places, list(drivers["drug"]))
        axes.invert_yaxis()
        axes.axvline(0, color=SOFT, linewidth=0.8)
        axes.grid(axis="x")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
        axes.set_xlabel(f"change of cost, {currency}")
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
        return _svg(figure)


def _bars_and_line(months: pd.DataFrame, bars: tuple[str, str, str], line: tuple[str, str, str]) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, 3.6), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        names = [f"{month:%b %Y}" for month in pd.to_datetime(months["month"])]
        above.bar(names, months[bars[0]].to_numpy(float), color=bars[2], width=0.7)
        below.plot(names, months[line[0]].to_numpy(float), color=line[2], marker="o", markersize=4)
        for axes, (column, label, _) in ((above, bars), (below, line)):
            axes.set_title(label, loc="left", fontsize=10, color=SOFT)
            axes.grid(axis="y")
            axes.tick_params(length=0)
            highest = months[column].max()
            axes.set_ylim(0, 1.15 * highest if highest > 0 else None)
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
        below.tick_params(axis="x", rotation=35)
        return _svg(figure)


def _figure(height_in: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    return figure, figure.subplots()


def _thousands(value: float, _: int) -> str:
    return f"{value:,.10g}"


def _svg(figure: Figure) -> str:
    """The drawing without the head of an SVG file, as wide as the page lets it be."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, dpi=144, metadata={"Date": None, "Creator": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
