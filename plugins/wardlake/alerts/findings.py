"""What an alert tells of a rule that failed: names and counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wardlake.ledger import open_ledger
from wardlake.plural import counted
from wardlake.quality.freshness import LATE
from wardlake.quality.verdicts import GRAVITY, REFUSED, RuleResult, Verdict, VerdictStatus
from wardlake.settings import Settings
from wardlake.sql import as_text


@dataclass(frozen=True)
class Finding:
    """A rule that failed on a batch, or could not be evaluated."""

    source: str
    table: str
    batch_id: str
    rule_id: str
    consequence: VerdictStatus
    unexpected: int
    evaluated: int
    why: str
    owner: str

    @property
    def told(self) -> str:
        """The finding in one line."""
        rows = f", {self.unexpected:,} of {counted(self.evaluated, 'row')}" if self.evaluated > 1 else ""
        why = self.why.rstrip(".")
        return (
            f"{self.source}.{self.table}, batch {self.batch_id}: {self.consequence} by {self.rule_id}{rows}. {why}. "
            f"Owner: {self.owner}."
        )


def findings_of(settings: Settings, verdicts: Sequence[Verdict], report: Path) -> list[Finding]:
    """What verdicts say that is worth an alert, the gravest first.

    A batch is alerted with the first report that tells about it, as it is told about for as long as it counts; what was
    refused, and a table that is late, with every report.
    """
    told_before = _told_before(settings, report.stem, {verdict.batch_id for verdict in verdicts})
    worth = GRAVITY[: GRAVITY.index(settings.alert_from) + 1]
    found = [
        _finding(verdict, rule)
        for verdict in verdicts
        for rule in verdict.rules
        if (rule.status == "failed" and rule.rule_id.endswith(f".{LATE}"))
        or (rule.consequence in worth and (verdict.status in REFUSED or _name(verdict) not in told_before))
    ]
    return sorted(found, key=lambda one: (GRAVITY.index(one.consequence), one.rule_id))


def _finding(verdict: Verdict, rule: RuleResult) -> Finding:
    return Finding(
        source=verdict.source,
        table=verdict.table,
        batch_id=verdict.batch_id,
        rule_id=rule.rule_id,
        consequence=rule.consequence,
        unexpected=rule.unexpected,
        evaluated=rule.evaluated,
        why=rule.message or rule.why,
        owner=rule.owner,
    )


def _name(verdict: Verdict) -> tuple[str, str, str, str]:
    return verdict.source, verdict.table, verdict.batch_id, verdict.suite_version


def _told_before(settings: Settings, run_id: str, batch_ids: set[str]) -> set[tuple[str, str, str, str]]:
    """The verdicts on these batches of which the report of another run has told."""
    listed = ", ".join(map(as_text, batch_ids)) or "NULL"
    with open_ledger(settings) as ledger:
        found = ledger.execute(
            "SELECT DISTINCT source, table_name, batch_id, suite_version FROM quality.run_batches "
            f"WHERE run_id <> ? AND batch_id IN ({listed})",
            [run_id],
        ).fetchall()
    return {(source, table, batch_id, suite) for source, table, batch_id, suite in found}
