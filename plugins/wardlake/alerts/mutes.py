"""Alerts that somebody has muted for a while, in `expectations/mutes.yaml`: why, who, and until when.

What is muted is still judged, reported and entered into the ledger.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from wardlake.alerts.findings import Finding
from wardlake.errors import WardlakeError
from wardlake.quality.freshness import LATE
from wardlake.quality.suites import GOLD, gold_suites, suite_for
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.sources.strict import Strict

FILE = "mutes.yaml"
LONGEST = timedelta(days=90)
WITHOUT_SUITE = (LATE, "rows_were_lost", "all_rows_quarantined")
"""Own names of the rules that every table has, whatever its suite says."""


class Mute(Strict):
    """One rule, or all rules of a table, muted up to and including a day (UTC)."""

    rule: str | None = None
    table: str | None = None
    reason: str = Field(min_length=10)
    by: str = Field(min_length=1)
    until: date

    @model_validator(mode="after")
    def _names_one_thing(self) -> "Mute":
        if (self.rule is None) == (self.table is None):
            raise ValueError("give either 'rule' (source.table.rule) or 'table' (source.table)")
        return self

    def is_in_force(self, today: date) -> bool:
        """Whether it counts: not any more after its end, and not yet if that is too far away."""
        return today <= self.until <= today + LONGEST

    def covers(self, finding: Finding) -> bool:
        """Whether it speaks of the rule that failed."""
        return self.rule == finding.rule_id or self.table == f"{finding.source}.{finding.table}"


_MUTES: TypeAdapter[list[Mute]] = TypeAdapter(Annotated[list[Mute], Field(default_factory=list)])


def read_mutes(settings: Settings) -> tuple[list[Mute], list[str]]:
    """The mutes and no problem, or no mute and every problem of the file. Without a file nothing is muted."""
    path = settings.suites_dir / FILE
    if not path.exists():
        return [], []
    try:
        return _MUTES.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")) or []), []
    except yaml.YAMLError:
        return [], ["no YAML"]
    except ValidationError as error:
        return [], [
            f"{'.'.join(map(str, issue['loc'])) or 'the file'}: {issue['msg']}"
            for issue in error.errors(include_input=False)
        ]


def check_mutes(settings: Settings, sources: Sequence[Source]) -> list[str]:
    """One line for each problem: of the file, a rule or table that is not there, an end that is past or too far off."""
    mutes, problems = read_mutes(settings)
    today = datetime.now(UTC).date()
    rules, tables = _known(settings, sources)
    for mute in mutes:
        name = mute.rule or mute.table
        if mute.rule and mute.rule not in rules:
            problems.append(f"there is no rule '{name}'")
        if mute.table and mute.table not in tables:
            problems.append(f"there is no table '{name}'")
        if mute.until < today:
            problems.append(f"the mute of {name} ended on {mute.until}: remove it, or give a reason for a new one")
        if mute.until > today + LONGEST:
            problems.append(f"the mute of {name} ends on {mute.until}, more than {LONGEST.days} days from now")
    return [f"expectations/{FILE}: {problem}." for problem in problems]


def _known(settings: Settings, sources: Sequence[Source]) -> tuple[set[str], set[str]]:
    """Ids of all rules and names of all tables; a suite that cannot be read is another check's matter."""
    tables = {f"{source.name}.{table}" for source in sources for table in source.tables}
    rules = {f"{table}.{name}" for table in tables for name in WITHOUT_SUITE}
    for source in sources:
        for table in source.tables:
            try:
                rules.update(suite_for(settings, source, table).ids)
            except WardlakeError:
                continue
    try:
        for table, suite in gold_suites(settings).items():
            tables.add(f"{GOLD}.{table}")
            rules.update(suite.ids)
    except WardlakeError:
        pass
    return rules, tables
