"""Verdicts: what a suite said about a batch, stored beside it and never changed."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from wardlake.bronze import Manifest
from wardlake.bronze.records import read_records
from wardlake.lake import Lake
from wardlake.quality.figures import Figures
from wardlake.quality.meta import Action, Dimension, Severity
from wardlake.quality.suites import GOLD
from wardlake.settings import Settings

VERDICT = "_verdict.json"

RuleStatus = Literal["passed", "failed", "not_applicable", "error"]
VerdictStatus = Literal["passed", "warned", "quarantined", "halted", "error", "not_applicable"]
REFUSED: tuple[VerdictStatus, ...] = ("halted", "error")
"""Of these batches nothing enters the warehouse."""
GRAVITY: tuple[VerdictStatus, ...] = ("error", "halted", "quarantined", "warned", "not_applicable", "passed")
CONSEQUENCE: dict[Action, VerdictStatus] = {"warn": "warned", "quarantine": "quarantined", "halt": "halted"}


class RuleResult(BaseModel):
    """What one rule found: counts, never values.

    `evaluated` counts the rows that the rule could look at, `unexpected` those that break it. A rule about the table
    as a whole looks at one thing and finds 0 or 1. Rows may break a rule that has passed: as many as its threshold
    tolerates. A rule that compares two figures of the batch says by how much they
    differ in `measured`, and how much is allowed in `limit`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule_id: str
    dimension: Dimension
    severity: Severity
    action: Action
    why: str
    owner: str
    status: RuleStatus
    evaluated: int
    unexpected: int
    threshold_pct: float | None = None
    halt_above_pct: float | None = None
    threshold_why: str = ""
    measured: float | None = None
    limit: float | None = None
    message: str | None = None

    @property
    def consequence(self) -> VerdictStatus:
        """What the rule leads to by itself."""
        if self.status != "failed":
            return self.status
        if self.halt_above_pct is not None and exceeds(self.unexpected, self.evaluated, self.halt_above_pct):
            return "halted"
        return CONSEQUENCE[self.action]

    @property
    def told(self) -> str:
        """What the rule found and why it matters, in one sentence."""
        why = (self.message or self.why).rstrip(".")
        rows = f"{self.unexpected:,} of {self.evaluated:,} rows, " if self.evaluated > 1 and not self.message else ""
        return f"{self.rule_id} ({rows}{why})"


class Verdict(BaseModel):
    """What a suite said about a batch.

    `verdict_key` names the Parquet file (`_row_id, rule_id, action`) of the rows that break a rule, if there are any,
    and `rows_sha256` is its hash. `replay` counts how often the same suite has judged the batch again.
    `counts_version` is that of what was counted (see Suite), and `figures`, by column, are what later
    batches are compared with.
    `not_applicable` means that there was nothing to judge: a batch without rows is not a good batch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    table: str
    batch_id: str
    suite_version: str
    replay: int = 0
    counts_version: str = ""
    status: VerdictStatus
    rows: int
    quarantined_rows: int
    rules: list[RuleResult]
    figures: dict[str, Figures] = {}
    verdict_key: str | None
    rows_sha256: str | None = None
    judged_at: datetime
    code_version: str
    message: str | None = None

    @property
    def unapplied(self) -> int:
        """Number of rules that had nothing to look at; a verdict with any is not wholly green."""
        return sum(rule.status == "not_applicable" for rule in self.rules)


def verdict_prefix(source: str, table: str, batch_id: str, suite_version: str = "", replay: int = 0) -> str:
    """Prefix of a verdict's objects in the quality bucket; without a version, of all verdicts on the batch.

    A replay has a folder of its own beside the first verdict of the suite, which stays as it is.
    """
    suite = f"suite={suite_version}{f'.{replay}' if replay else ''}/" if suite_version else ""
    return f"quality/{source}/{table}/batch_id={batch_id}/{suite}"


def prefix_of(verdict: Verdict) -> str:
    """Prefix of the objects of a verdict."""
    return verdict_prefix(verdict.source, verdict.table, verdict.batch_id, verdict.suite_version, verdict.replay)


def verdict_key_of(verdict: Verdict) -> str:
    """Key of a verdict. Gold may be judged more than once by a suite: its table changes until it is published."""
    return prefix_of(verdict) + (
        f"_verdict-{verdict.judged_at:%Y%m%dT%H%M%S%fZ}.json" if verdict.source == GOLD else VERDICT
    )


def verdict_of(lake: Lake, settings: Settings, manifest: Manifest, suite_version: str) -> Verdict | None:
    """The newest verdict of a suite on a batch, or None if it was not judged by that suite yet."""
    return read_verdict(lake, settings, manifest.source, manifest.table, manifest.batch_id, suite_version)


def read_verdict(
    lake: Lake, settings: Settings, source: str, table: str, batch_id: str, suite_version: str
) -> Verdict | None:
    """The newest verdict of a suite on a batch of a table, or None."""
    prefix = verdict_prefix(source, table, batch_id) + f"suite={suite_version}"
    verdicts = stored_verdicts(lake, settings, prefix)
    return max(verdicts, key=lambda each: each.replay, default=None)


def last_verdicts(
    lake: Lake, settings: Settings, source: str, table: str, suite_version: str = "", *, since: str = ""
) -> dict[str, Verdict]:
    """By batch, the verdict that was passed last on each batch of a table, by whichever suite or by this one.

    With `since`, of that batch and the later ones only.
    """
    found = stored_verdicts(lake, settings, f"quality/{source}/{table}/", after=verdict_prefix(source, table, since))
    verdicts = [each for each in found if suite_version in ("", each.suite_version)]
    # of one suite by their number, which no clock can be wrong about
    ordered = sorted(verdicts, key=lambda each: each.replay if suite_version else each.judged_at.timestamp())
    return {verdict.batch_id: verdict for verdict in ordered}


def stored_verdicts(lake: Lake, settings: Settings, prefix: str, after: str = "") -> Iterable[Verdict]:
    """The verdicts below a prefix of the quality bucket; only those whose keys come after `after`."""
    bucket = settings.bucket("quality")
    entries = [each for each in lake.entries(bucket, prefix, after) if each.key.endswith(f"/{VERDICT}")]
    return read_records(settings, lake, bucket, entries, Verdict).values()


def exceeds(unexpected: int, evaluated: int, share_pct: float) -> bool:
    """Whether the rows that break a rule are more than this share; in decimals, so that the share itself is not."""
    return 100 * unexpected > Decimal(str(share_pct)) * evaluated


def status_of(results: Iterable[RuleResult]) -> VerdictStatus:
    """The gravest thing that the rules of a suite found; those that had nothing to look at outweigh none."""
    found = {result.consequence for result in results}
    return min(found - {"not_applicable"}, key=GRAVITY.index, default="not_applicable")
