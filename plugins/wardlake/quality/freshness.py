"""Whether a table has had a delivery of late, by what its YAML allows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from wardlake.bronze import Manifest, batches
from wardlake.lake import Lake
from wardlake.quality.verdicts import RuleResult, Verdict, status_of
from wardlake.settings import Settings
from wardlake.sources import Source

LATE = "nothing_came_of_late"
"""Own name of the rule on the age of a table."""


def with_freshness(settings: Settings, source: Source, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The same verdicts, of which the last one of each table says how late the table is now; that is never stored."""
    lake = Lake(settings)
    last = {verdict.table: verdict for verdict in verdicts}
    told = []
    for verdict in verdicts:
        is_asked = verdict is last[verdict.table] and verdict.status != "error" and _hours(source, verdict.table)
        committed = batches(settings, lake, source.name, verdict.table) if is_asked else []
        if rule := judge_freshness(source, verdict.table, committed):
            rules = [*verdict.rules, rule]
            told.append(verdict.model_copy(update={"rules": rules, "status": status_of(rules)}))
        else:
            told.append(verdict)
    return told


def of_moment(stored: Verdict, told: Verdict) -> Verdict | None:
    """Of a verdict as `with_freshness` tells it, what is true at this moment only; None if that is nothing."""
    rules = told.rules[len(stored.rules) :]
    return told.model_copy(update={"rules": rules, "judged_at": datetime.now(UTC)}) if rules else None


def judge_freshness(source: Source, table: str, committed: Sequence[Manifest]) -> RuleResult | None:
    """The rule on the age of the newest batch in which something arrived, as of now.

    None for a table whose YAML asks for nothing, or of which nothing has arrived yet. It only warns: what has come is
    still right, and readers should know how old it is.
    """
    hours = _hours(source, table)
    arrived = [manifest.extracted_at for manifest in committed if manifest.arrived]
    if hours is None or not arrived:
        return None
    newest = max(arrived)
    is_late = datetime.now(UTC) - newest > timedelta(hours=hours)
    return RuleResult(
        rule_id=f"{source.name}.{table}.{LATE}",
        dimension="timeliness",
        severity="warning",
        action="warn",
        why=f"The newest delivery is of {newest:%Y-%m-%d %H:%M} UTC; the YAML asks for one every {hours} hours "
        "(fresh_hours). Ask the owner of the system; until then gold shows the state of that day.",
        owner=source.owner,
        status="failed" if is_late else "passed",
        evaluated=1,
        unexpected=int(is_late),
        threshold_pct=0,
        threshold_why=f"fresh_hours of the YAML is {hours}.",
    )


def _hours(source: Source, table: str) -> int | None:
    return source.tables[table].fresh_hours or source.fresh_hours
