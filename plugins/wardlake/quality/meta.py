"""What a rule says of itself: in the meta of an expectation, and in that of a suite for what no expectation can see."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Dimension = Literal["conformance", "completeness", "plausibility", "uniqueness", "timeliness", "consistency"]
Severity = Literal["critical", "warning", "info"]
Action = Literal["warn", "quarantine", "halt"]
Measure = Literal["shares", "mean", "null_share"]

UNQUARANTINED: tuple[Action, ...] = ("warn", "halt")


class Explained(BaseModel):
    """What every rule must say. `threshold_why` tells where the threshold comes from, be it 0."""

    model_config = ConfigDict(extra="allow", frozen=True)

    rule_id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+){2}$", description="source.table.rule")
    dimension: Dimension
    severity: Severity
    action: Action
    why: str = Field(min_length=10, description="Why it matters.")
    owner: str = Field(min_length=1)
    threshold_why: str = Field(min_length=10, description="Where the threshold comes from.")


class RuleMeta(Explained):
    """What an expectation's `meta` must say.

    A rule is failed if more than `threshold_pct` per cent of the rows that it could look at break it. Of a quarantine
    rule that is 0, as each row that breaks it stays out; if they are more than `halt_above_pct` per cent, the whole
    batch does.
    """

    threshold_pct: float = Field(ge=0, le=100)
    halt_above_pct: float | None = Field(None, ge=0, le=100)

    @model_validator(mode="after")
    def _is_consistent(self) -> "RuleMeta":
        if self.action == "quarantine" and self.threshold_pct:
            raise ValueError("quarantine takes out each row that breaks the rule: threshold_pct must be 0")
        if self.action != "quarantine" and self.halt_above_pct is not None:
            raise ValueError("halt_above_pct belongs to the action quarantine")
        return self


class _OfSuite(Explained):
    """A rule in the meta of a suite; it names no rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="after")
    def _names_no_rows(self) -> "_OfSuite":
        if self.action not in UNQUARANTINED:
            raise ValueError("it names no rows that could be quarantined: choose warn or halt")
        return self


class DriftRule(_OfSuite):
    """A column compared with the last accepted batches: `meta.drift` of a suite.

    | measure | compared | threshold |
    |---|---|---|
    | shares | shares of the codes of a column, by the population stability index | index; 0.1 and 0.25 are usual |
    | mean | mean of a number, by the standard deviation of before | standard deviations; 0.2 small, 0.5 medium |
    | null_share | share of the rows without a value | percentage points |
    """

    column: str
    measure: Measure
    threshold: float = Field(gt=0)
    batches: int = Field(7, ge=1, le=90, description="How many accepted batches it is compared with, at most.")


class TotalRule(_OfSuite):
    """A sum of the batch against a control total that came with it: `meta.totals` of a suite.

    `total` and `control` are queries for one number each, over `{batch}` and the tables of the source. The rule is
    failed if they differ by more than `threshold_pct` per cent of the control total.
    """

    total: str
    control: str
    threshold_pct: float = Field(ge=0, le=100)
