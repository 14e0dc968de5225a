"""docs/defects.md: the catalogue as a page. `python -m wardlake.detection.page` writes it again after a change."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from wardlake.detection.catalogue import Defect, catalogue
from wardlake.detection.deliveries import DELIVERIES
from wardlake.detection.hospital import PATIENTS, SOURCES
from wardlake.quality.meta import RuleMeta
from wardlake.quality.suites import read_suite
from wardlake.settings import PROJECT_ROOT

BATCH_RULES = {"rows_were_lost": "completeness", "nothing_came_of_late": "timeliness"}
PAGE = PROJECT_ROOT / "docs" / "defects.md"
HEAD = """# Defects that the suites must find

{count} defects of hospital data, planted into the clean reference hospital one by one. Each must be found by the rule
that is meant for it, at the rows that it befalls, and nothing else may be found; in the clean hospital nothing is.
`python benchmarks/detection.py` prints the tally, and `tests/wardlake/test_detection.py` asks for each of them.

This page is generated from `plugins/wardlake/detection/` by `python -m wardlake.detection.page`.

| dimension | defects |
|---|---|
{tally}

- **Rows of a table**: YAML in `plugins/wardlake/detection/defects/`, a file for each table. The hospital of {patients}
  patients is extracted once; a defect is planted into a copy of its table, which the suite judges with the code that
  judges batches. Rules of other tables that read the changed table are judged as well.
- **Whole deliveries**: changed at the source, extracted and judged as every day.
- **Also** names other rules that rightly find the same defect: a drug code that is malformed has no price either.
- To add one, write its record, and the rule if none finds it.
"""


def page() -> str:
    """The page as it should stand in docs."""
    metas, defects = rule_metas(), catalogue()
    rules = [defect.rule for defect in defects] + [delivery.rule for delivery in DELIVERIES]
    counted = Counter(dimension_of(metas, rule) for rule in rules)
    tally = "\n".join(f"| {dimension} | {number} |" for dimension, number in sorted(counted.items()))
    parts = [HEAD.format(count=len(rules), tally=tally, patients=PATIENTS)]
    for (source, table), group in groupby(defects, key=lambda defect: (defect.source, defect.table)):
        rows = [
            _row(one.id, one.title, _change(one), _found(one.rule, one.also, table), one.known_from) for one in group
        ]
        parts.append(_table(f"{source}.{table}", rows))
    rows = [_row(one.id, one.title, one.change, _found(one.rule, one.also), one.known_from) for one in DELIVERIES]
    return "\n".join([*parts, _table("Whole deliveries", rows)])


def rule_metas() -> dict[str, RuleMeta]:
    """What the suites of the hospital's sources say of their rules, by rule id."""
    paths = [path for source in SOURCES for path in sorted((PROJECT_ROOT / "expectations" / source).glob("*.json"))]
    suites = [suite for suite, _ in map(read_suite, paths) if suite]
    return {rule.meta.rule_id: rule.meta for suite in suites for rule in suite.rules}


def dimension_of(metas: dict[str, RuleMeta], rule: str) -> str:
    """Dimension of a rule; those that look at batches and not at rows stand in no suite."""
    return metas[rule].dimension if rule in metas else BATCH_RULES[rule.rsplit(".", 1)[1]]


def _table(title: str, rows: list[str]) -> str:
    head = "| defect | what is wrong | how it is planted | found by | known from |\n|---|---|---|---|---|"
    return "\n".join([f"## {title}", head, *rows, ""])


def _row(id_: str, *cells: str) -> str:
    return "| " + " | ".join([f"`{id_.partition('.')[2]}`", *(cell.replace("|", "\\|") for cell in cells)]) + " |"


def _change(defect: Defect) -> str:
    return f"`{defect.change}`" if defect.change else "read twice"


def _found(rule: str, also: Sequence[str], table: str = "") -> str:
    """The rules, without their source, and without the table if it is that of the section."""

    def short(name: str) -> str:
        return name.partition(".")[2].removeprefix(f"{table}.")

    others = ", ".join(f"`{short(name)}`" for name in also)
    return f"`{short(rule)}`" + (f"; also {others}" if others else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
