"""Gold becomes visible to readers only after its checks passed, in one atomic step for each place."""

from dataclasses import dataclass

from wardlake.errors import PermanentError, WardlakeError
from wardlake.ledger import new_run_id
from wardlake.publishing import duckdb_files, postgres
from wardlake.publishing.duckdb_files import current_publication
from wardlake.publishing.gold_file import open_gold
from wardlake.publishing.record import Publication
from wardlake.quality import REFUSED, Verdict, judge_gold, refuse_unsigned, report_run, sources_to_sign
from wardlake.quality.refusal import Refused, RefusedError
from wardlake.settings import Settings
from wardlake.warehouse.expose import current_build, save_build

__all__ = ["GateResult", "Publication", "current_publication", "gate", "publish"]


@dataclass(frozen=True)
class GateResult:
    """What gold's checks said; all of them let it through."""

    build_id: str
    verdicts: list[Verdict]


def gate(settings: Settings, build_id: str | None = None, dag_run: str | None = None) -> GateResult:
    """Judge the gold that was built, and mark the build as fit for publishing.

    Raises:
        RefusedError: a check of gold failed or could not be run; published gold stays as it was.
        PassingError: another build has begun since.
    """
    build = current_build(settings, build_id)
    verdicts = judge_gold(settings, dag_run=dag_run)
    refused = [verdict for verdict in verdicts if verdict.status in (*REFUSED, "quarantined")]
    if refused or not verdicts:
        told = "; ".join(f"gold.{verdict.table}: {_why(verdict)}" for verdict in refused) or "there is no gold suite"
        run_id = f"{new_run_id()}-halted"
        report = report_run(settings, run_id=run_id, exposed=build.exposed, verdicts=verdicts, dag_run=dag_run)
        raise RefusedError(
            f"The gate stays shut: {told}.",
            remedy=f"Published gold stays as it was. Read {report}, mend the data or the model, then build again.",
            refused=Refused(verdicts, report),
        )
    save_build(settings, current_build(settings, build.build_id).model_copy(update={"status": "passed"}))
    return GateResult(build.build_id, verdicts)


def publish(settings: Settings, build_id: str | None = None) -> Publication:
    """Publish the gold of the build that passed the gate, everywhere that the settings name.

    If a source requires a signature, the build's report must have been approved.

    The copy on disk and the files of Iceberg are written out of sight; then one place after the other shows the
    publication. If a place fails, publishing the same build again mends it: the places that show it already are left
    as they are.

    Raises:
        PermanentError: the build did not pass the gate or lacks a signature, the disk is full, or a place refused it.
        PassingError: another build has begun since, or holds the warehouse, or a place did not answer.
    """
    build = current_build(settings, build_id)
    if build.status != "passed":
        raise PermanentError(
            "The build in the warehouse has not passed the gate.", remedy="Run the gate; it names what fails."
        )
    if sources := sources_to_sign(settings, {one.source for one in build.exposed}):
        refuse_unsigned(settings, build.build_id, sources)
    prepared = duckdb_files.prepare(settings, build, _places(settings))
    publication = prepared.publication
    shown: list[str] = []
    try:
        with open_gold(settings, prepared.gold) as gold:
            if settings.catalog != "none":
                from wardlake.publishing import iceberg  # noqa: PLC0415  slow to import

                staged = iceberg.stage(settings, publication, gold)
            if settings.gold_postgres_uri:
                postgres.show(settings, publication, gold)
                shown.append("PostgreSQL")
        if settings.catalog != "none":
            iceberg.show(settings, publication, staged)
            shown.append("Iceberg")
        duckdb_files.show(settings, prepared)
    except WardlakeError as error:
        left = f"{' and '.join(shown)} shows it already" if shown else "Published gold stays as it was"
        raise type(error)(
            error.what, remedy=f"{error.remedy} {left}; publishing the same build again completes it."
        ) from error
    return publication


def _places(settings: Settings) -> dict[str, str]:
    """Where a publication can be read, by kind of place."""
    places = {"duckdb": str(settings.published_dir / "current" / "gold.duckdb")}
    if settings.catalog != "none":
        from wardlake.publishing import iceberg  # noqa: PLC0415  slow to import

        places["iceberg"] = iceberg.place(settings)
    if settings.gold_postgres_uri:
        places["postgres"] = postgres.place(settings)
    return places


def _why(verdict: Verdict) -> str:
    failed = [rule.told for rule in verdict.rules if rule.status in ("failed", "error") and rule.action != "warn"]
    return ", ".join(failed) or verdict.message or verdict.status
