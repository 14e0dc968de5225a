"""What was judged, reported, signed and decided: appended for ever, each entry bound to the one before by its hash."""

from wardlake.ledger.chain import Link, append, head, links, sha256_of
from wardlake.ledger.entries import (
    Content,
    Decision,
    JudgedBatch,
    Judgement,
    ReportedRun,
    RuleCount,
    SignOff,
    new_run_id,
)
from wardlake.ledger.heads import has_head, leave_head
from wardlake.ledger.tables import open_ledger, refresh
from wardlake.ledger.verify import Proof, verify

__all__ = [
    "Content",
    "Decision",
    "JudgedBatch",
    "Judgement",
    "Link",
    "Proof",
    "ReportedRun",
    "RuleCount",
    "SignOff",
    "append",
    "has_head",
    "head",
    "leave_head",
    "links",
    "new_run_id",
    "open_ledger",
    "refresh",
    "sha256_of",
    "verify",
]
