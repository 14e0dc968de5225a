"""A table's grade, A to F, with its reason: what a reader needs to know before the numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from wardlake.plural import counted

if TYPE_CHECKING:
    from wardlake.quality.summary import TableReport

FEW_PCT = 1.0
"""Up to this share of rows in quarantine a table still is a C."""

Letter = Literal["A", "B", "C", "D", "F", "–"]


@dataclass(frozen=True)
class Grade:
    """The letter and why it is this one."""

    letter: Letter
    reason: str


def grade_of(table: "TableReport") -> Grade:
    """A: every rule met. B: warnings. C: few rows in quarantine. D: more of them. F: refused. –: nothing judged."""
    if table.status in ("error", "halted"):
        refusing = sum(rule.consequence == table.status for rule in table.rules)
        why = "could not be evaluated, so the table was refused" if table.status == "error" else "refused the table"
        return Grade("F", f"{counted(refusing, 'rule')} {why}")
    if table.quarantined_rows:
        rows = f"{counted(table.quarantined_rows, 'row')} in quarantine"
        is_much = table.quarantined_pct > FEW_PCT
        return (
            Grade("D", f"{rows}, more than {FEW_PCT:g} %") if is_much else Grade("C", f"{rows}, at most {FEW_PCT:g} %")
        )
    if warned := sum(rule.consequence in ("warned", "quarantined") for rule in table.rules):
        return Grade("B", f"{counted(warned, 'rule')} warned")
    if table.status == "not_applicable":
        return Grade("–", "there was nothing to judge")
    return Grade("A", "every rule that could be applied was met")
