"""Whether a table has lost rows since the last batch of it that was let through: a source that sends half of them."""

from collections.abc import Iterable

from wardlake.bronze import Manifest, batches, counting
from wardlake.lake import Lake
from wardlake.quality.verdicts import REFUSED, VERDICT, RuleResult, Verdict, verdict_prefix
from wardlake.settings import Settings
from wardlake.sources import Source, Table


def judge_volume(settings: Settings, lake: Lake, source: Source, manifest: Manifest) -> list[RuleResult]:
    """The rule on the number of rows; none for a table of which each batch holds what is new, or that has no past.

    Raises:
        PassingError: the store did not answer.
    """
    table = source.tables[manifest.table]
    former = _last_accepted(settings, lake, source, manifest) if table.mode == "snapshot" else None
    if former is None:
        return []
    rows, rows_before = _rows(table, manifest), _rows(table, former)
    is_met = rows * 100 >= rows_before * table.least_rows_pct
    return [
        RuleResult(
            rule_id=f"{source.name}.{manifest.table}.rows_were_lost",
            dimension="completeness",
            severity="critical",
            action="halt",
            why=f"The batch that was let through before, {former.batch_id}, had {rows_before:,} rows; this one has "
            f"{rows:,}, and less than {table.least_rows_pct} % would be a hospital with a part missing. If the source "
            f"is right, lower least_rows_pct of {manifest.table} in dags/sources/{source.name}.yaml.",
            owner=source.owner,
            status="passed" if is_met else "failed",
            evaluated=1,
            unexpected=int(not is_met),
        )
    ]


def _last_accepted(settings: Settings, lake: Lake, source: Source, manifest: Manifest) -> Manifest | None:
    older = [
        batch
        for batch in batches(settings, lake, source.name, manifest.table)
        if batch.extracted_at < manifest.extracted_at and batch.arrived
    ]
    for batch in sorted(older, key=lambda batch: batch.extracted_at, reverse=True):
        if any(verdict.status not in REFUSED for verdict in _verdicts(settings, lake, batch)):
            return batch
    return None


def _verdicts(settings: Settings, lake: Lake, batch: Manifest) -> Iterable[Verdict]:
    """What all versions of the suite said of a batch."""
    bucket = settings.bucket("quality")
    for key in lake.list(bucket, verdict_prefix(batch.source, batch.table, batch.batch_id)):
        if key.endswith(VERDICT):
            yield Verdict.model_validate_json(lake.get(bucket, key))


def _rows(table: Table, manifest: Manifest) -> int:
    """Rows of the table as the batch has it: of files that are each the whole table, those of one of them."""
    whole = manifest.whole or next((batch.whole for batch in counting(table, [manifest])), None)
    return next((file.rows for file in manifest.taken if whole and file.sha256 == whole.sha256), manifest.lake_rows)
