"""What years of history cost: the next report and the index, after 50 runs and after 5,000.

    python benchmarks/quality_history.py [--runs N] [--json FILE]

Every run judges 14 tables by 12 rules each, one a day. The ledger is filled with entries as `append` writes them, many
at once. `first_read_s` is what a machine pays once that has never read the ledger.
"""

import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from report import tell
from typer import echo

from wardlake.embedded import stack
from wardlake.lake import Lake
from wardlake.ledger import Content, JudgedBatch, Judgement, ReportedRun, RuleCount, open_ledger
from wardlake.ledger.chain import HINT, NO_ENTRY, Entry, Head, entry_key, sha256_of
from wardlake.quality import RuleResult, Verdict, report_run
from wardlake.settings import Settings, load_settings

FEW = 50
TABLES, RULES, ROWS = 14, 12, 10_000
FIRST_DAY = datetime(2012, 1, 1, tzinfo=UTC)
REPORTS = 5
LIMIT = 1.25
NO_HASH = "0" * 64


def main(
    runs: Annotated[int, typer.Option(min=FEW, help="Runs of a long history.")] = 5_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here as well.")] = None,
) -> None:
    """Measure both histories and print their figures and ratios."""
    rows = [_measured(number) for number in (FEW, runs)]
    few, many = rows
    facts: dict[str, object] = {
        f"{name}_ratio": float(str(many[name])) / float(str(few[name])) for name in ("report_s", "index_kb")
    }
    tell("Next report and index by length of history", rows, {**facts, "limit": LIMIT}, json_file)
    raise SystemExit(any(float(str(ratio)) > LIMIT for ratio in facts.values()))


def _measured(runs: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="wardlake-benchmark-") as folder:
        home = Path(folder) / "home"
        os.environ["WARDLAKE_HOME"] = str(home)
        before = load_settings()
        try:
            settings = stack.save_settings(before, stack.start_servers(before, echo), ())
            Lake(settings).ensure_buckets()
            _fill(settings, runs)
            begun = time.perf_counter()
            with open_ledger(settings):
                first_read = time.perf_counter() - begun
            # the first report on a machine also writes the pages of all months
            first_report, *seconds = [_report(settings, runs + number) for number in range(REPORTS + 1)]
            index = settings.reports_dir / "index.html"
            return {
                "runs": runs,
                "first_read_s": first_read,
                "first_report_s": first_report,
                "report_s": statistics.median(seconds),
                "months": len(list(settings.reports_dir.glob("month-*.html"))),
                "index_kb": index.stat().st_size / 1000,
                "ledger_mb": (settings.home / "ledger.duckdb").stat().st_size / 1e6,
            }
        finally:
            stack.down(home)


def _fill(settings: Settings, runs: int) -> None:
    """The chain of so many runs."""
    lake, bucket, previous = Lake(settings), settings.bucket("quality"), NO_ENTRY
    sequence = 0
    with ThreadPoolExecutor(8) as pool:
        writes = []
        for number in range(runs):
            for content in _contents(number):
                sequence += 1
                at = FIRST_DAY + timedelta(days=number)
                entry = Entry(sequence=sequence, previous=previous, at=at, code_version="benchmark", content=content)
                body = entry.model_dump_json().encode()
                previous = sha256_of(body)
                writes.append(pool.submit(lake.put, bucket, entry_key(sequence), body))
        for write in writes:
            write.result()
    lake.put(bucket, HINT, Head(sequence=sequence, sha256=previous).model_dump_json().encode())


def _contents(number: int) -> tuple[Content, Content]:
    verdicts = _verdicts(number)
    run_id = _run_id(number)
    report = ReportedRun(
        run_id=run_id,
        dag_run=None,
        status="warned",
        headline="Fit for use, with warnings.",
        source_rows=TABLES * ROWS,
        bronze_rows=TABLES * ROWS,
        quarantined_rows=0,
        accepted_rows=TABLES * ROWS,
        batches=[(each.source, each.table, each.batch_id, each.suite_version) for each in verdicts],
        report_key=f"quality/_reports/{run_id}.html",
        report_sha256=NO_HASH,
    )
    return Judgement(dag_run=None, batches=[_judged(verdict) for verdict in verdicts]), report


def _judged(verdict: Verdict) -> JudgedBatch:
    told = verdict.model_dump(include=set(JudgedBatch.model_fields) - {"rules"})
    hashes = {"manifest_sha256": NO_HASH, "suite_sha256": NO_HASH, "verdict_sha256": None, "rows_key": None}
    rules = [RuleCount.model_validate(rule.model_dump(include=set(RuleCount.model_fields))) for rule in verdict.rules]
    return JudgedBatch(**{**told, **hashes}, rules=rules)


def _verdicts(number: int) -> list[Verdict]:
    day = FIRST_DAY + timedelta(days=number)
    return [
        Verdict(
            source="hospital",
            table=f"table_{table}",
            batch_id=f"{day:%Y%m%dT%H%M%SZ}-{table:012d}",
            suite_version="benchmark000",
            status="warned",
            rows=ROWS,
            quarantined_rows=0,
            rules=[_result(table, rule, number) for rule in range(RULES)],
            verdict_key=None,
            judged_at=day,
            code_version="benchmark",
        )
        for table in range(TABLES)
    ]


def _result(table: int, rule: int, number: int) -> RuleResult:
    is_broken = rule == 0
    return RuleResult(
        rule_id=f"hospital.table_{table}.rule_{rule}",
        dimension="plausibility",
        severity="warning",
        action="warn",
        why="A rule of the benchmark.",
        threshold_pct=0,
        owner="data team",
        status="failed" if is_broken else "passed",
        evaluated=ROWS,
        unexpected=1 + number % 7 if is_broken else 0,
    )


def _run_id(number: int) -> str:
    return f"{FIRST_DAY + timedelta(days=number):%Y%m%dT%H%M%S%fZ}-0123abcd"


def _report(settings: Settings, number: int) -> float:
    begun = time.perf_counter()
    report_run(settings, run_id=_run_id(number), exposed=[], verdicts=_verdicts(number))
    return time.perf_counter() - begun


if __name__ == "__main__":
    typer.run(main)
