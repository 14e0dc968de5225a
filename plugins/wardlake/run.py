"""The whole way in one process, without a scheduler: extract, validate, build, gate, publish."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from wardlake.alerts import alert_verdicts, failures_alerted
from wardlake.bronze import Extraction, extract_tables
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.lake import Lake
from wardlake.ledger import new_run_id
from wardlake.publish import Publication, gate, publish
from wardlake.quality import REFUSED, Verdict, judge_source, report_run
from wardlake.quality.refusal import Refused, RefusedError
from wardlake.settings import Settings
from wardlake.sources import Source, active_sources
from wardlake.warehouse import dbt
from wardlake.warehouse.expose import Build, expose_bronze
from wardlake.window import Window

Progress = Callable[[str, str, int, int], None]
"""Called with stage, the item that has ended (`begins` first), how many have ended, how many there are (0: unknown)."""

STAGES = ("extract", "validate", "build", "gate", "report", "publish")
BRONZE_STAGES = STAGES[:2]
LOCK_TIMEOUT_S = 5
EXTRACT_ATTEMPTS = 3
LONGEST_WAIT_S = 20


@dataclass
class RunSummary:
    """What a run did: seconds of each stage, batches, the build's inputs, what was published, where the report is."""

    seconds: dict[str, float] = field(default_factory=dict)
    extractions: list[Extraction] = field(default_factory=list)
    build: Build | None = None
    publication: Publication | None = None
    report: Path | None = None


def run(
    settings: Settings,
    sources: list[Source],
    window: Window,
    progress: Progress = lambda *_: None,
    *,
    full_refresh: bool = False,
) -> RunSummary:
    """Take the sources from their systems to published gold.

    Models that follow from nothing that has changed since the last build are left as they are, unless `full_refresh`.

    Raises:
        PermanentError: a step failed; the message names it, and published gold stays as it was.
        PassingError: another run is under way, or a server did not answer.
    """
    summary = RunSummary()
    with _only_run(settings), failures_alerted(settings, "wardlake run"):
        verdicts = _to_bronze(settings, sources, window, progress, summary)
        with _stage(summary, "build", progress):
            build = summary.build = expose_bronze(settings, active_sources(settings))
            dbt.build(
                settings,
                lambda node, done, total: progress("build", node, done, total),
                full_refresh=full_refresh,
            )
        with _stage(summary, "gate", progress):
            gold_verdicts = gate(settings, build.build_id).verdicts
        with _stage(summary, "report", progress):
            summary.report = report_run(
                settings,
                run_id=build.build_id,
                exposed=[one for one in build.exposed if one.source in {source.name for source in sources}],
                verdicts=[*verdicts, *gold_verdicts],
            )
        alert_verdicts(settings, [*verdicts, *gold_verdicts], summary.report)
        with _stage(summary, "publish", progress):
            summary.publication = publish(settings, build.build_id)
    return summary


def run_until_bronze(
    settings: Settings, sources: list[Source], window: Window, progress: Progress = lambda *_: None
) -> RunSummary:
    """Take the sources from their systems to judged batches in bronze; warehouse and published gold stay as they are.

    Raises:
        PermanentError: a step failed; the message names it.
        PassingError: another run is under way, or a server did not answer.
    """
    summary = RunSummary()
    with _only_run(settings), failures_alerted(settings, "wardlake run"):
        _to_bronze(settings, sources, window, progress, summary)
    return summary


def _to_bronze(
    settings: Settings, sources: list[Source], window: Window, progress: Progress, summary: RunSummary
) -> list[Verdict]:
    with _stage(summary, "extract", progress):
        summary.extractions = _extract(settings, sources, window, progress)
    with _stage(summary, "validate", progress):
        return validate(settings, sources, progress)


def validate(settings: Settings, sources: list[Source], progress: Progress = lambda *_: None) -> list[Verdict]:
    """Judge the current batches of the sources.

    Raises:
        PermanentError: a batch was halted or could not be judged.
    """
    verdicts: list[Verdict] = []
    done, tables = 0, sum(len(source.tables) for source in sources)
    for source in sources:
        before = done

        def show(table: str, number: int, _: int, name: str = source.name, before: int = before) -> None:
            progress("validate", f"{name}.{table}", before + number, tables)

        verdicts += judge_source(settings, source, progress=show)
        done += len(source.tables)
    refuse_halted(settings, verdicts)
    return verdicts


def refuse_halted(settings: Settings, verdicts: list[Verdict], dag_run: str | None = None) -> None:
    """Raise if a batch must stay out of the warehouse, with a report that says why.

    Raises:
        RefusedError: names each batch that was halted or could not be judged, and its rules.
    """
    refused = [verdict for verdict in verdicts if verdict.status in REFUSED]
    if not refused:
        return
    told = "; ".join(
        f"{verdict.source}.{verdict.table}, batch {verdict.batch_id}: {verdict.status} by "
        + (", ".join(rule.told for rule in verdict.rules if rule.consequence in REFUSED) or "the judge")
        + (f" ({verdict.message})" if verdict.message else "")
        for verdict in refused
    )
    report = report_run(settings, run_id=f"{new_run_id()}-halted", exposed=[], verdicts=verdicts, dag_run=dag_run)
    raise RefusedError(
        f"Batches stay out of the warehouse: {told}.",
        remedy=f"Read {report}, mend the source or the suite in expectations/, then run again. "
        "Published gold stays as it was.",
        refused=Refused(verdicts, report),
    )


def _extract(settings: Settings, sources: list[Source], window: Window, progress: Progress) -> list[Extraction]:
    Lake(settings).probe()
    total = sum(len(source.tables) for source in sources)
    done = 0
    extractions: list[Extraction] = []
    for source in sources:

        def show(table: str, number: int, _: int, name: str = source.name, before: int = done) -> None:
            progress("extract", f"{name}.{table}", before + number, total)

        extractions += _extract_source(settings, source, window, show)
        done += len(source.tables)
    return extractions


@retry(
    retry=retry_if_exception_type(PassingError),
    stop=stop_after_attempt(EXTRACT_ATTEMPTS),
    wait=wait_random_exponential(multiplier=1, max=LONGEST_WAIT_S),
    reraise=True,
)
def _extract_source(
    settings: Settings, source: Source, window: Window, show: Callable[[str, int, int], None]
) -> list[Extraction]:
    """Extract all tables; passing faults are tried again, and find what was committed before."""
    ended = extract_tables(settings, source, list(source.tables), window, progress=show).values()
    errors = [one for one in ended if isinstance(one, WardlakeError)]
    if errors:
        raise next((error for error in errors if isinstance(error, PermanentError)), errors[0])
    return [one for one in ended if isinstance(one, Extraction)]


@contextmanager
def _stage(summary: RunSummary, stage: str, progress: Progress) -> Iterator[None]:
    begun = time.perf_counter()
    progress(stage, "begins", 0, 0)
    try:
        yield
    finally:
        summary.seconds[stage] = time.perf_counter() - begun


@contextmanager
def _only_run(settings: Settings) -> Iterator[None]:
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.home / "run.lock", timeout=LOCK_TIMEOUT_S):
            yield
    except Timeout:
        raise PassingError("Another 'wardlake run' is under way.", remedy="Wait until it has ended.") from None
