"""Which planted defects of hospital data the suites find: each of docs/defects.md, one by one.

    python benchmarks/detection.py [--patients N] [--json FILE]

A clean hospital is loaded, extracted and judged: whatever is found in it is false. Then each defect is planted alone.
It is found if the rule that is meant for it names the rows that it befalls, all of them; other rules or rows that are
named are false. The exit code is 1 if one is missed or anything is false.
"""

import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from hospital import servers
from report import tell

from wardlake.detection import DELIVERIES, Finding, catalogue, clean_hospital, deliver, judge_clean, plant
from wardlake.detection.hospital import PATIENTS, reference_sources
from wardlake.detection.page import dimension_of, rule_metas
from wardlake.embedded import postgres
from wardlake.quality.suites import suite_for
from wardlake.settings import Settings


def main(
    patients: Annotated[int, typer.Option(help="Size of the reference hospital.")] = PATIENTS,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the tally here as well.")] = None,
) -> None:
    """Plant the defects and print the tally by dimension, then each that was missed and all that is false."""
    with servers() as settings:
        begun = time.perf_counter()
        clean, findings = _run(settings, patients)
        seconds = time.perf_counter() - begun
    metas = rule_metas()
    rules = {one.id: one.rule for one in (*catalogue(), *DELIVERIES)}
    dimension = {name: dimension_of(metas, rule) for name, rule in rules.items()}
    planted = Counter(dimension.values())
    found = Counter(dimension[name] for name, finding in findings.items() if finding.is_found)
    false = Counter(dimension[name] for name, finding in findings.items() for _ in finding.false)
    rows: list[dict[str, object]] = [
        {
            "dimension": name,
            "planted": planted[name],
            "found": found[name],
            "missed": planted[name] - found[name],
            "false": false[name],
        }
        for name in sorted(planted)
    ]
    missed = [f"{name}, by {rules[name]}" for name, finding in findings.items() if not finding.is_found]
    unasked = [f"{name}: {what}" for name, finding in findings.items() for what in finding.false]
    facts: dict[str, object] = {
        "planted": len(findings),
        "found": found.total(),
        "missed": len(missed),
        "false": len(unasked) + len(clean),
        "found_in_the_clean_hospital": clean,
        "missed_defects": missed,
        "false_alarms": unasked,
        "rules_without_a_defect": sorted(set(metas) - set(rules.values())),
        "seconds": seconds,
    }
    tell(f"Defects planted into a hospital of {patients:,} patients", rows, facts, json_file)
    raise SystemExit(bool(missed or unasked or clean))


def _run(settings: Settings, patients: int) -> tuple[list[str], dict[str, Finding]]:
    """The rules that find something in the clean hospital, and the finding of each defect."""
    uri = postgres.uri(settings.home, "hospital")
    suites = {
        source.name: {table: suite_for(settings, source, table) for table in source.tables}
        for source in reference_sources(settings)
    }
    with clean_hospital(settings, uri, patients) as connection:
        verdicts = judge_clean(settings)
        clean = [rule.rule_id for verdict in verdicts for rule in verdict.rules if rule.status != "passed"]
        findings = {defect.id: plant(connection, suites[defect.source], defect) for defect in catalogue()}
    return clean, findings | {one.id: deliver(settings, uri, one) for one in DELIVERIES}


if __name__ == "__main__":
    typer.run(main)
