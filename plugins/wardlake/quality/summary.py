"""What the report of a run says: its verdicts, table by table and rule by rule, in the order of their gravity."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, get_args

from wardlake.quality.grades import Grade, grade_of
from wardlake.quality.history import PastBatch, usual_pct
from wardlake.quality.meta import Dimension
from wardlake.quality.suites import GOLD
from wardlake.quality.verdicts import GRAVITY, RuleResult, Verdict, VerdictStatus

if TYPE_CHECKING:
    from wardlake.warehouse.expose import Exposed


@dataclass(frozen=True)
class RuleLine:
    """A rule over all batches of a table: counts summed, the gravest consequence."""

    result: RuleResult
    consequence: VerdictStatus
    evaluated: int
    unexpected: int
    rows: "NamedRows | None" = None

    @property
    def name(self) -> str:
        """The rule's own name, without source and table."""
        return self.result.rule_id.split(".", 2)[2]

    @property
    def share_pct(self) -> float:
        """Share of the rows that break the rule."""
        return 100 * self.unexpected / self.evaluated if self.evaluated else 0.0

    @property
    def over_pct(self) -> float | None:
        """By how many percentage points the share exceeds the threshold; None if it does not, or of a whole table."""
        over = self.share_pct - (self.result.threshold_pct or 0)
        return over if self.evaluated > 1 and self.result.threshold_pct is not None and over > 0 else None


@dataclass(frozen=True)
class NamedRow:
    """A row by its place, and what may be shown of its key, in the order of the columns."""

    batch_id: str
    row_id: int
    key: Sequence[object]


@dataclass(frozen=True)
class NamedRows:
    """The first rows that break a rule; `columns` are those of the key that may be shown."""

    columns: list[str]
    rows: list[NamedRow]


@dataclass(frozen=True)
class TableReport:
    """A table of the run; None where it was not let into the warehouse."""

    source: str
    table: str
    status: VerdictStatus
    source_rows: int | None
    bronze_rows: int
    quarantined_rows: int
    accepted_rows: int | None
    rules: list[RuleLine]
    verdicts: list[Verdict]
    past: Sequence[PastBatch] = ()
    schema_changes: Sequence[tuple[str, list[str]]] = ()

    @property
    def grade(self) -> Grade:
        """How good the table is, in a letter and a reason."""
        return grade_of(self)

    def usual_pct(self, rule: RuleLine) -> float | None:
        """The middle share of broken rows among the batches before the newest one."""
        return usual_pct(self.past, rule.result.rule_id)

    def shares_pct(self, rule: RuleLine) -> list[float | None]:
        """Share of broken rows in each of the last batches, the oldest first."""
        return [batch.shares.get(rule.result.rule_id) for batch in self.past]

    @property
    def quarantined_pct(self) -> float:
        """Share of the bronze rows that stay in quarantine."""
        return 100 * self.quarantined_rows / self.bronze_rows if self.bronze_rows else 0.0

    @property
    def passed_rules(self) -> int:
        """Number of rules that passed on every batch."""
        return sum(rule.consequence == "passed" for rule in self.rules)


@dataclass(frozen=True)
class RunReport:
    """Everything that a report shows."""

    run_id: str
    tables: list[TableReport]
    built: Sequence[tuple[str, str, int]] = ()
    """Rows of the tables of silver and gold, as schema, table and rows; none if nothing was built."""

    @property
    def status(self) -> VerdictStatus:
        """The gravest status of all tables."""
        return min((table.status for table in self.tables), key=GRAVITY.index, default="not_applicable")

    @property
    def headline(self) -> str:
        """The verdict on the run, in one sentence."""
        refused = [table for table in self.tables if table.status in ("error", "halted")]
        if refused:
            names = " and ".join(f"{table.source}.{table.table}" for table in refused)
            return f"Not fit for use: {names} {'was' if len(refused) == 1 else 'were'} refused."
        if self.quarantined_rows:
            rows = "1 row stays" if self.quarantined_rows == 1 else f"{self.quarantined_rows:,} rows stay"
            return f"Fit for use; {rows} in quarantine."
        if self.status == "warned":
            return "Fit for use, with warnings."
        if self.status != "passed":
            return "Nothing was judged."
        unapplied = self.all_rules.get("not_applicable", 0)
        told = "1 rule had" if unapplied == 1 else f"{unapplied:,} rules had"
        return f"Fit for use; {told} nothing to look at." if unapplied else "Fit for use; every rule was met."

    @property
    def sources(self) -> list[tuple[str, list[TableReport]]]:
        """Tables by source; gold comes last."""
        return [(source, list(tables)) for source, tables in groupby(self.tables, key=lambda table: table.source)]

    @property
    def bronze(self) -> list[TableReport]:
        """The tables that came from a source."""
        return [table for table in self.tables if table.source != GOLD]

    @property
    def source_rows(self) -> int:
        """Rows that the sources counted in the batches that were let in."""
        return sum(table.source_rows or 0 for table in self.bronze)

    @property
    def bronze_rows(self) -> int:
        """Rows that were judged."""
        return sum(table.bronze_rows for table in self.bronze)

    @property
    def quarantined_rows(self) -> int:
        """Rows that stay out of silver."""
        return sum(table.quarantined_rows for table in self.bronze)

    @property
    def accepted_rows(self) -> int:
        """Rows that silver reads."""
        return sum(table.accepted_rows or 0 for table in self.bronze)

    @property
    def unreconciled(self) -> list[TableReport]:
        """Tables of which a row got lost: source = bronze, and bronze - quarantined = accepted, hold for all others."""
        return [
            table
            for table in self.bronze
            if (table.source_rows, table.accepted_rows)
            != (table.bronze_rows, table.bronze_rows - table.quarantined_rows)
        ]

    @property
    def findings(self) -> list[tuple[TableReport, RuleLine]]:
        """Rules that were broken or could not be evaluated, the gravest first."""
        found = [(table, rule) for table in self.tables for rule in table.rules if rule.consequence not in _QUIET]
        return sorted(found, key=lambda one: (GRAVITY.index(one[1].consequence), -one[1].share_pct))

    @property
    def dimensions(self) -> list[tuple[Dimension, dict[VerdictStatus, int]]]:
        """Number of rules by dimension and consequence."""
        rules = [rule for table in self.tables for rule in table.rules]
        counted = []
        for dimension in get_args(Dimension):
            own = [rule.consequence for rule in rules if rule.result.dimension == dimension]
            if own:
                counted.append(
                    (dimension, {status: own.count(status) for status in reversed(GRAVITY) if status in own})
                )
        return counted

    @property
    def all_rules(self) -> dict[VerdictStatus, int]:
        """Number of rules by consequence, the gravest last."""
        own = [rule.consequence for table in self.tables for rule in table.rules]
        return {status: own.count(status) for status in reversed(GRAVITY) if status in own}


_QUIET = ("passed", "not_applicable")


def summarise(run_id: str, exposed: Sequence["Exposed"], verdicts: Sequence[Verdict]) -> RunReport:
    """Bring the verdicts of a run together, table by table."""
    let_in = {(one.source, one.table): one for one in exposed}
    names = dict.fromkeys([*let_in, *((verdict.source, verdict.table) for verdict in verdicts)])
    ordered = sorted(names, key=lambda name: (name[0] == GOLD, name))
    tables = []
    for source, table in ordered:
        own = [verdict for verdict in verdicts if (verdict.source, verdict.table) == (source, table)]
        tables.append(_table(source, table, let_in.get((source, table)), own))
    return RunReport(run_id, tables)


def _table(source: str, table: str, let_in: "Exposed | None", verdicts: list[Verdict]) -> TableReport:
    quarantined = sum(verdict.quarantined_rows for verdict in verdicts)
    return TableReport(
        source=source,
        table=table,
        status=min((verdict.status for verdict in verdicts), key=GRAVITY.index, default="not_applicable"),
        source_rows=let_in.source_rows if let_in else None,
        bronze_rows=let_in.bronze_rows if let_in else sum(verdict.rows for verdict in verdicts),
        quarantined_rows=let_in.quarantined_rows if let_in else quarantined,
        accepted_rows=let_in.bronze_rows - let_in.quarantined_rows if let_in else None,
        rules=_rules(verdicts),
        verdicts=sorted(verdicts, key=lambda verdict: verdict.batch_id, reverse=True),
    )


def _rules(verdicts: list[Verdict]) -> list[RuleLine]:
    results: dict[str, list[RuleResult]] = {}
    for verdict in verdicts:
        for result in verdict.rules:
            results.setdefault(result.rule_id, []).append(result)
    lines = [
        RuleLine(
            result=min(own, key=lambda result: GRAVITY.index(result.consequence)),
            consequence=min((result.consequence for result in own), key=GRAVITY.index),
            evaluated=sum(result.evaluated for result in own),
            unexpected=sum(result.unexpected for result in own),
        )
        for own in results.values()
    ]
    return sorted(lines, key=lambda line: GRAVITY.index(line.consequence))
