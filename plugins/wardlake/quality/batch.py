"""The verdict on one batch of a source: by its rows, or by what was counted before if only thresholds have changed."""

import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import duckdb

from wardlake.bronze import Manifest, rows_query
from wardlake.lake import Lake
from wardlake.ledger import sha256_of
from wardlake.quality.drift import judge_drift, refusal
from wardlake.quality.figures import Figures, measure
from wardlake.quality.outcome import Measured, Outcome, result_of
from wardlake.quality.past import accepted_before, verdicts_on
from wardlake.quality.rows import relabel_rows, write_rows
from wardlake.quality.suites import Rule, Suite
from wardlake.quality.totals import judge_total, measure_total
from wardlake.quality.verdicts import VERDICT, RuleResult, Verdict, read_verdict, status_of, verdict_prefix
from wardlake.quality.volume import judge_volume
from wardlake.settings import Settings
from wardlake.sources import Source, Table
from wardlake.version import code_version
from wardlake.warehouse.connection import connect, translate

JUDGED = "_judged"


@dataclass(frozen=True)
class _Counted:
    """What was found in a batch, before thresholds are looked at: the outcomes in the order of the suite's rules."""

    outcomes: Sequence[Outcome]
    totals: Sequence[Measured]
    figures: Mapping[str, Figures]
    quarantined_rows: int


def judge_batch(
    settings: Settings,
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    manifest: Manifest,
    suite: Suite,
    *,
    is_whole: bool,
    replay: int = 0,
) -> Verdict:
    """Judge the rows of a batch; `is_whole`: no other batch has rows of the table. `replay`: as in the verdict.

    Raises:
        duckdb.Error: the data could not be read, or memory is short.
    """
    table = source.tables[manifest.table]
    connection.execute(f"CREATE OR REPLACE VIEW {JUDGED} AS {rows_query(settings, table, [manifest])}")
    with _rows_file(settings) as path:
        found = write_rows(connection, suite.rules, _evaluate(connection, table, manifest, suite.rules), path)
        counted = _Counted(
            outcomes=found.outcomes,
            totals=[measure_total(connection, JUDGED, rule) for rule in suite.totals],
            figures=measure(connection, JUDGED, [rule for rule in suite.drift if not refusal(rule, table)]),
            quarantined_rows=found.quarantined_rows,
        )
        return _conclude(settings, lake, source, manifest, suite, counted, path, is_whole=is_whole, replay=replay)


def judge_again(
    settings: Settings, lake: Lake, source: Source, manifest: Manifest, suite: Suite, *, is_whole: bool
) -> Verdict | None:
    """The verdict by the counts of an earlier one, if the suite differs in thresholds, actions or texts only.

    The batch is not read. None if nothing was counted before that serves, or if rows must be found first that were
    not named then.
    """
    counted_alike = [
        verdict for verdict in verdicts_on(settings, lake, manifest) if verdict.counts_version == suite.counts_version
    ]
    if not counted_alike:
        return None
    former = counted_alike[-1]
    results = {result.rule_id: result for result in former.rules}
    outcomes = [_outcome_of(results[rule.meta.rule_id]) for rule in suite.rules]
    with _rows_file(settings) as path:
        stored = Lake.url(settings.bucket("quality"), former.verdict_key) if former.verdict_key else None
        try:
            with connect(settings) as connection:
                quarantined = relabel_rows(connection, suite.rules, outcomes, stored, path)
        except duckdb.Error as error:
            raise translate(error, f"The verdicts on {source.name}.{manifest.table}") from None
        if quarantined is None:
            return None
        totals = [Measured(results[rule.rule_id].measured, results[rule.rule_id].message) for rule in suite.totals]
        counted = _Counted(outcomes, totals, former.figures, quarantined)
        return _conclude(settings, lake, source, manifest, suite, counted, path, is_whole=is_whole)


@contextmanager
def _rows_file(settings: Settings) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=settings.temp_dir, prefix="verdict-") as folder:
        yield Path(folder) / "verdicts.parquet"


def _evaluate(
    connection: duckdb.DuckDBPyConnection, table: Table, manifest: Manifest, rules: Sequence[Rule]
) -> list[Outcome]:
    from wardlake.quality.engine import evaluate  # noqa: PLC0415  Great Expectations takes seconds to import

    absent = table.columns.keys() - {column.name for column in manifest.columns}
    lacking = [_on_absent(table, absent.intersection(rule.columns)) for rule in rules]
    judged = iter(evaluate(connection, JUDGED, [rule for rule, lacks in zip(rules, lacking, strict=True) if not lacks]))
    return [lacks or next(judged) for lacks in lacking]


def _on_absent(table: Table, columns: set[str]) -> Outcome | None:
    """The outcome of a rule on columns that the YAML declares and the batch lacks; None if there are none.

    A snapshot should have them, so that it must be taken again. Batches of what is new may be older than a column.
    """
    if not columns:
        return None
    told = f"the batch has no column {', '.join(sorted(columns))}"
    if table.mode == "snapshot" and table.contract != "evolve":
        return Outcome("error", message=f"{told}, which the YAML declares: extract the table again")
    return Outcome("not_applicable", message=told)


def _outcome_of(result: RuleResult) -> Outcome:
    status = "failed" if result.unexpected else result.status
    return Outcome(status, result.evaluated, result.unexpected, result.message)


def _conclude(
    settings: Settings,
    lake: Lake,
    source: Source,
    manifest: Manifest,
    suite: Suite,
    counted: _Counted,
    rows_file: Path,
    *,
    is_whole: bool,
    replay: int = 0,
) -> Verdict:
    results = [
        *(result_of(rule.meta, outcome) for rule, outcome in zip(suite.rules, counted.outcomes, strict=True)),
        *(judge_total(rule, measured) for rule, measured in zip(suite.totals, counted.totals, strict=True)),
        *_drift(settings, lake, source, manifest, suite, counted),
        *judge_volume(settings, lake, source, manifest),
    ]
    if is_whole and 0 < manifest.lake_rows == counted.quarantined_rows:
        results.append(_nothing_left(source, manifest))
    prefix = verdict_prefix(manifest.source, manifest.table, manifest.batch_id, suite.version, replay)
    verdict = Verdict(
        source=manifest.source,
        table=manifest.table,
        batch_id=manifest.batch_id,
        suite_version=suite.version,
        replay=replay,
        counts_version=suite.counts_version,
        status=status_of(results),
        rows=manifest.lake_rows,
        quarantined_rows=counted.quarantined_rows,
        rules=results,
        figures=dict(counted.figures),
        verdict_key=f"{prefix}verdicts-{uuid.uuid4().hex[:8]}.parquet" if rows_file.exists() else None,
        rows_sha256=sha256_of(rows_file.read_bytes()) if rows_file.exists() else None,
        judged_at=datetime.now(UTC),
        code_version=code_version(),
    )
    if verdict.status == "error":
        return verdict.model_copy(
            update={"verdict_key": None, "rows_sha256": None, "message": "rules could not be evaluated"}
        )
    return _store(settings, lake, verdict, prefix, rows_file)


def _store(settings: Settings, lake: Lake, verdict: Verdict, prefix: str, rows_file: Path) -> Verdict:
    """The verdict as it is stored: that of whoever judged first by this suite."""
    bucket = settings.bucket("quality")
    if verdict.verdict_key:
        lake.upload(rows_file, bucket, verdict.verdict_key)
    if lake.put_if_absent(bucket, prefix + VERDICT, verdict.model_dump_json(indent=1).encode()):
        return verdict
    winner = read_verdict(lake, settings, verdict.source, verdict.table, verdict.batch_id, verdict.suite_version)
    assert winner is not None, "the conditional put said that the verdict exists"  # noqa: S101
    return winner


def _drift(
    settings: Settings, lake: Lake, source: Source, manifest: Manifest, suite: Suite, counted: _Counted
) -> list[RuleResult]:
    if not suite.drift:
        return []
    most = max(rule.batches for rule in suite.drift)
    past = [verdict.figures for _, verdict in islice(accepted_before(settings, lake, manifest), most)]
    return judge_drift(source.tables[manifest.table], suite.drift, counted.figures, past)


def _nothing_left(source: Source, manifest: Manifest) -> RuleResult:
    return RuleResult(
        rule_id=f"{source.name}.{manifest.table}.all_rows_quarantined",
        dimension="completeness",
        severity="critical",
        action="halt",
        why="Every row of the table is in quarantine; to go on would publish an empty table. Mend the source, or the "
        f"rule of expectations/{source.name}/{manifest.table}.json that all rows break.",
        owner=source.owner,
        status="failed",
        evaluated=1,
        unexpected=1,
        threshold_pct=0,
        threshold_why="One row that can be used is enough to go on; the volume is another rule's matter.",
    )
