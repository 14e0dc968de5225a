"""A whole hospital through Airflow: start, load, trigger the sources' DAGs, wait until gold is published."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from wardlake.console import Show
from wardlake.embedded import postgres, stack
from wardlake.embedded.watch import consumers, trigger, wait_for_dags, wait_for_runs
from wardlake.errors import PermanentError
from wardlake.publish import Publication, current_publication
from wardlake.reference import load_mimic3, load_reference
from wardlake.settings import Settings, load_settings
from wardlake.sources import active_sources
from wardlake.window import Window

BUILD_DAG = "build_gold"
WINDOW = Window.parse("2026-01-01/2026-01-02")
SOURCES_OF_HOSPITAL = {"reference": ("reference", "reference_pharmacy"), "mimic3": ("mimic3",)}


@dataclass(frozen=True)
class Order:
    """What to load: a hospital of SOURCES_OF_HOSPITAL, and its size or the folder of the real data."""

    hospital: str
    patients: int = 10_000
    real_data: Path | None = None


@dataclass
class Outcome:
    """A demo that published gold."""

    stack: stack.Stack
    publication: Publication
    report: Path
    seconds: dict[str, float] = field(default_factory=dict)


def stages(settings: Settings, hospital: str) -> tuple[str, ...]:
    """What the progress of a demo shows, in order."""
    sources = sorted({*settings.sources, *SOURCES_OF_HOSPITAL[hospital]})
    return ("start", "load", *(f"extract_{source}" for source in sources), BUILD_DAG)


def demo(order: Order, show: Show) -> Outcome:
    """Take a hospital to published gold, through the real scheduler.

    Raises:
        PermanentError: names the server, DAG or task that failed, and its log.
    """
    _refuse_impossible(load_settings().home, order)
    sources = SOURCES_OF_HOSPITAL[order.hospital]
    seconds: dict[str, float] = {}

    def load(settings: Settings) -> None:
        show("load", f"{order.hospital} begins", 0, 1)
        begun = time.perf_counter()
        _load(settings, order)
        seconds["load (while Airflow starts)"] = time.perf_counter() - begun
        show("load", order.hospital, 1, 1)

    begun = time.perf_counter()
    running = stack.up(lambda line: show("start", line, 0, 1), sources, meanwhile=load)
    seconds["start"] = time.perf_counter() - begun
    show("start", running.airflow.address, 1, 1)

    settings, airflow = running.settings, running.airflow
    before = current_publication(settings)
    log_dir = settings.log_dir / "airflow"
    dag_ids = [f"extract_{source.name}" for source in active_sources(settings) if source.triggers_build]
    wait_for_dags(airflow, [*dag_ids, BUILD_DAG], running.dags_changed_at)
    begun = time.perf_counter()
    conf: dict[str, object] = {"window_start": WINDOW.start.isoformat(), "window_end": WINDOW.end.isoformat()}
    runs = [trigger(airflow, dag_id, conf) for dag_id in dag_ids]
    seconds |= wait_for_runs(airflow, runs, show, log_dir)
    seconds |= wait_for_runs(airflow, consumers(airflow, runs, BUILD_DAG), show, log_dir)
    seconds["from trigger to published gold"] = time.perf_counter() - begun

    published = current_publication(settings)
    if published is None or published == before:
        raise PermanentError(
            f"{BUILD_DAG} ended, and nothing was published.", remedy="Look at its run in the Airflow UI."
        )
    return Outcome(running, published, settings.reports_dir / f"{published.build_id}.html", seconds)


def _load(settings: Settings, order: Order) -> None:
    """Load the hospital's systems, unless they are loaded already."""
    if order.hospital == "reference":
        _mark(settings.home).write_text(str(order.patients))
        load_reference(settings, postgres.uri(settings.home, "hospital"), patients=order.patients)
    else:
        load_mimic3(postgres.uri(settings.home, "mimic3"), mimic3_folder(order.real_data))


def mimic3_folder(real_data: Path | None) -> Path:
    """Folder of the MIMIC-III demo's tables.

    Raises:
        PermanentError: it is not there.
    """
    if real_data is None or not (real_data / "mimic3_demo").is_dir():
        raise PermanentError(
            "The MIMIC-III demo data are not there.",
            remedy="Set WARDLAKE_REAL_DATA to the folder that holds mimic3_demo/.",
        )
    return real_data / "mimic3_demo"


def _refuse_impossible(home: Path, order: Order) -> None:
    """Raise before anything is started if the demo could not end well.

    The batch of the demo's window stays as it is: a hospital of another size would not reach it.
    """
    if order.hospital == "mimic3":
        mimic3_folder(order.real_data)
    taken = _mark(home).read_text() if _mark(home).exists() else str(order.patients)
    if order.hospital == "reference" and taken != str(order.patients):
        raise PermanentError(
            f"The reference hospital was taken to the lake with {taken} patients.",
            remedy="Ask for that number (PATIENTS=...), or run 'make clean' first.",
        )


def _mark(home: Path) -> Path:
    """File that holds the number of patients of the first demo."""
    return home / "demo-patients"
