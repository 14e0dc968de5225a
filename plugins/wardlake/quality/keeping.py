"""Verdicts and reports entered into the ledger, with the hashes of all that they rest on."""

import json
from collections.abc import Mapping, Sequence

from wardlake.bronze.manifest import MANIFEST, batch_prefix
from wardlake.lake import Lake
from wardlake.ledger import (
    JudgedBatch,
    Judgement,
    ReportedRun,
    RuleCount,
    append,
    has_head,
    leave_head,
    open_ledger,
    sha256_of,
)
from wardlake.quality.suites import GOLD, Suite
from wardlake.quality.summary import RunReport
from wardlake.quality.verdicts import RuleResult, Verdict, prefix_of, verdict_key_of
from wardlake.settings import Settings

SUITES = "quality/_suites/"
REPORTS = "quality/_reports/"


def is_kept(settings: Settings, lake: Lake, verdict: Verdict) -> bool:
    """Whether the ledger has the verdict, by the head that was left beside it."""
    return has_head(settings, lake, prefix_of(verdict))


def keep_verdicts(
    settings: Settings,
    lake: Lake,
    suites: Mapping[str, Suite],
    verdicts: Sequence[Verdict],
    *,
    now: Sequence[Verdict] = (),
    dag_run: str | None = None,
) -> None:
    """Enter verdicts into the ledger, each with its suite (by table); `now` holds what is true at this moment only.

    A process that is killed before the end leaves verdicts that the next one enters; one that is entered twice has
    the same hashes both times.

    Raises:
        PermanentError: the store refuses the write.
        PassingError: the store did not answer.
    """
    if not verdicts and not now:
        return
    judged = [_judged(settings, lake, suites[verdict.table], verdict) for verdict in verdicts]
    moment = [_judged(settings, lake, suites[verdict.table], verdict) for verdict in now]
    head = append(settings, lake, Judgement(dag_run=dag_run, batches=judged, now=moment))
    leave_head(settings, lake, head, [prefix_of(verdict) for verdict in verdicts if verdict.status != "error"])


def keep_report(settings: Settings, report: RunReport, html: bytes, dag_run: str | None) -> bytes:
    """Store the report of a run, enter the run into the ledger, and return the report as it is stored.

    The first report of a run stays: what was shown once is never replaced.

    Raises:
        PermanentError: the store refuses the write.
        PassingError: the store did not answer.
    """
    lake, bucket, key = Lake(settings), settings.bucket("quality"), report_key(report.run_id)
    if not lake.put_if_absent(bucket, key, html, lock_days=settings.quality_lock_days):
        html = lake.get(bucket, key)
    if not _is_reported(settings, report.run_id):
        head = append(settings, lake, _run(report, key, sha256_of(html), dag_run))
        leave_head(settings, lake, head, [key.removesuffix("html")])
    return html


def report_key(run_id: str) -> str:
    """Key of a run's report in the quality bucket."""
    return f"{REPORTS}{run_id}.html"


def stored_report(settings: Settings, run_id: str) -> bytes | None:
    """The report of a run as it is stored, or None."""
    return Lake(settings).find(settings.bucket("quality"), report_key(run_id))


def _is_reported(settings: Settings, run_id: str) -> bool:
    with open_ledger(settings) as ledger:
        return bool(ledger.execute("SELECT count(*) FROM quality.runs WHERE run_id = ?", [run_id]).fetchall()[0][0])


def _judged(settings: Settings, lake: Lake, suite: Suite, verdict: Verdict) -> JudgedBatch:
    key = None if verdict.status == "error" and verdict.source != GOLD else verdict_key_of(verdict)
    stored = lake.find(settings.bucket("quality"), key) if key else None
    manifest = None
    if verdict.source != GOLD:
        manifest_key = batch_prefix(verdict.source, verdict.table, verdict.batch_id) + MANIFEST
        manifest = lake.get(settings.bucket("bronze"), manifest_key)
    return JudgedBatch(
        source=verdict.source,
        table=verdict.table,
        batch_id=verdict.batch_id,
        manifest_sha256=sha256_of(manifest) if manifest else None,
        suite_version=suite.version,
        replay=verdict.replay,
        suite_sha256=_keep_suite(settings, lake, suite, verdict),
        status=verdict.status,
        rows=verdict.rows,
        quarantined_rows=verdict.quarantined_rows,
        verdict_key=key if stored else None,
        verdict_sha256=sha256_of(stored) if stored else None,
        rows_key=verdict.verdict_key,
        rows_sha256=verdict.rows_sha256,
        judged_at=verdict.judged_at,
        code_version=verdict.code_version,
        rules=[_count(rule) for rule in verdict.rules],
    )


def _count(rule: RuleResult) -> RuleCount:
    return RuleCount.model_validate(rule.model_dump(include=set(RuleCount.model_fields)))


def _keep_suite(settings: Settings, lake: Lake, suite: Suite, verdict: Verdict) -> str:
    """Store the suite as it was used, unless it is there, and return the SHA-256 of what is stored."""
    body = json.dumps(suite.json, sort_keys=True, indent=1, ensure_ascii=False).encode()
    key = f"{SUITES}{verdict.source}/{verdict.table}/{suite.version}.json"
    lake.put_if_absent(settings.bucket("quality"), key, body, lock_days=settings.quality_lock_days)
    return sha256_of(body)


def _run(report: RunReport, key: str, sha256: str, dag_run: str | None) -> ReportedRun:
    return ReportedRun(
        run_id=report.run_id,
        dag_run=dag_run,
        status=report.status,
        headline=report.headline,
        source_rows=report.source_rows,
        bronze_rows=report.bronze_rows,
        quarantined_rows=report.quarantined_rows,
        accepted_rows=report.accepted_rows,
        batches=[
            (verdict.source, verdict.table, verdict.batch_id, verdict.suite_version)
            for table in report.tables
            for verdict in table.verdicts
        ],
        report_key=key,
        report_sha256=sha256,
    )
