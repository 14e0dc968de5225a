"""The kinds of entry of the ledger. They hold counts, ids, names of people who decided, and hashes; never a value."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


def new_run_id() -> str:
    """Id of a run; ids sort by time (UTC)."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{uuid.uuid4().hex[:8]}"


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleCount(_Content):
    """What one rule found in a batch: rows that it could look at, and rows that break it."""

    rule_id: str
    dimension: str
    severity: str
    action: str
    status: str
    evaluated: int
    unexpected: int
    threshold_pct: float | None = None
    message: str | None = None


class JudgedBatch(_Content):
    """A verdict on a batch, with the hashes of what was judged, by what, and of what was stored about it.

    `verdict_key` is None for a verdict with status `error`, which is not stored: the batch is judged again. A gold
    table has no manifest; its `batch_id` is the id of the build.
    """

    source: str
    table: str
    batch_id: str
    manifest_sha256: str | None
    suite_version: str
    replay: int = 0
    suite_sha256: str
    status: str
    rows: int
    quarantined_rows: int
    verdict_key: str | None
    verdict_sha256: str | None
    rows_key: str | None
    rows_sha256: str | None
    judged_at: datetime
    code_version: str
    rules: list[RuleCount]


class Judgement(_Content):
    """Batches that were judged in one go, and what is true of a table at that moment only (`now`, such as its age)."""

    kind: Literal["judgement"] = "judgement"
    dag_run: str | None
    batches: list[JudgedBatch]
    now: list[JudgedBatch] = []


class ReportedRun(_Content):
    """A run with its report: the report is stored under `report_key` and is what an auditor signs.

    `batches` names the verdicts that the report tells about, as `source, table, batch_id, suite_version`.
    """

    kind: Literal["run"] = "run"
    run_id: str
    dag_run: str | None
    status: str
    headline: str
    source_rows: int
    bronze_rows: int
    quarantined_rows: int
    accepted_rows: int
    batches: list[tuple[str, str, str, str]]
    report_key: str
    report_sha256: str


class SignOff(_Content):
    """An auditor's decision on a run, bound to the hash of the report that was shown."""

    kind: Literal["signoff"] = "signoff"
    run_id: str
    report_sha256: str
    decision: Literal["approved", "rejected"]
    signed_by: str = Field(min_length=1)
    remark: str


class Decision(_Content):
    """What somebody did about quarantined rows: looked at them, judged them again, or accepted them.

    `rule_id` is None where it concerns all rules; `rows` says how many rows it concerned. `rows_key` names the Parquet
    file of the rows that were accepted (`_row_id, rule_id`): this entry is what makes it count.
    """

    kind: Literal["decision"] = "decision"
    action: Literal["show", "replay", "accept"]
    source: str
    table: str
    batch_id: str
    rule_id: str | None
    rows: int
    decided_by: str = Field(min_length=1)
    reason: str
    rows_key: str | None = None
    rows_sha256: str | None = None


Content = Annotated[Judgement | ReportedRun | SignOff | Decision, Field(discriminator="kind")]
