"""Whether a table has lost rows since the last batch of it that was let through: a source that sends half of them."""

from wardlake.bronze import Manifest, counting
from wardlake.lake import Lake
from wardlake.quality.past import accepted_before
from wardlake.quality.verdicts import RuleResult
from wardlake.settings import Settings
from wardlake.sources import Source, Table


def judge_volume(settings: Settings, lake: Lake, source: Source, manifest: Manifest) -> list[RuleResult]:
    """The rule on the number of rows; none for a table of which each batch holds what is new, or that has no past.

    A snapshot without a row is halted, be it the first one: it would publish an empty table. Where nothing has been
    delivered yet, there is nothing to halt.

    Raises:
        PassingError: the store did not answer.
    """
    table = source.tables[manifest.table]
    if table.mode != "snapshot":
        return []
    former = next((batch for batch, _ in accepted_before(settings, lake, manifest)), None)
    if former is None and (manifest.lake_rows or not table.least_rows_pct or not manifest.arrived):
        return []
    rows, rows_before = _rows(table, manifest), _rows(table, former) if former else 0
    is_met = rows * 100 >= rows_before * table.least_rows_pct and bool(rows or not table.least_rows_pct)
    told = (
        f"The batch that was let through before, {former.batch_id}, had {rows_before:,} rows; this one has "
        f"{rows:,}, and less than {table.least_rows_pct} % would be a hospital with a part missing."
        if former
        else "The table has no row, and there is no batch before it that says whether that is right."
    )
    return [
        RuleResult(
            rule_id=f"{source.name}.{manifest.table}.rows_were_lost",
            dimension="completeness",
            severity="critical",
            action="halt",
            why=f"{told} If the source is right, lower least_rows_pct of {manifest.table} in "
            f"dags/sources/{source.name}.yaml{'' if rows else ' to 0'}.",
            owner=source.owner,
            status="passed" if is_met else "failed",
            evaluated=1,
            unexpected=int(not is_met),
            threshold_pct=0,
            threshold_why=f"least_rows_pct of the YAML is {table.least_rows_pct}.",
        )
    ]


def _rows(table: Table, manifest: Manifest) -> int:
    """Rows of the table as the batch has it: of files that are each the whole table, those of one of them."""
    whole = manifest.whole or next((batch.whole for batch in counting(table, [manifest])), None)
    return next((file.rows for file in manifest.taken if whole and file.sha256 == whole.sha256), manifest.lake_rows)
