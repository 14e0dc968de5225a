"""The repository's own suites: on the reference hospital they find every planted row and no other."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wardlake.bronze import current_batches, extract_table
from wardlake.lake import Lake
from wardlake.quality import Verdict, judge_source, suite_for
from wardlake.reference import PLANTED, load_mimic3, load_reference
from wardlake.settings import Settings
from wardlake.sources import load_sources
from wardlake.warehouse import connect
from wardlake.window import Window

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
UNJUDGED = ("error", "not_applicable")
SOURCES = ("reference", "reference_pharmacy")


def planted_rows(settings: Settings, lake: Lake) -> set[tuple[str, str, int]]:
    """Each rule that finds a planted row, its batch and its row id, looked up in bronze by its key."""
    sources = load_sources(settings)
    rows = set()
    with connect(settings) as engine:
        for dirty in PLANTED:
            for manifest in current_batches(settings, lake, sources[dirty.source], dirty.table):
                files = [Lake.url(settings.bucket("bronze"), file.key) for file in manifest.files]
                where = " AND ".join(f'"{column}" = ?' for column in dirty.key)
                found = engine.execute(
                    f"SELECT _row_id FROM read_parquet({files}) WHERE {where}", list(dirty.key.values())
                ).fetchall()
                rows |= {(rule, manifest.batch_id, row) for rule in (dirty.rule_id, *dirty.also) for (row,) in found}
    return rows


def flagged_rows(settings: Settings, verdicts: list[Verdict]) -> set[tuple[str, str, int]]:
    """Rule, batch and row id of every row that a verdict names."""
    rows = set()
    with connect(settings) as engine:
        for verdict in verdicts:
            if verdict.verdict_key:
                url = Lake.url(settings.bucket("quality"), verdict.verdict_key)
                found = engine.execute(f"SELECT rule_id, _row_id FROM read_parquet('{url}')").fetchall()
                rows |= {(rule, verdict.batch_id, row) for rule, row in found}
    return rows


def test_every_planted_row_is_found_by_its_rule_and_no_clean_row_is_flagged(
    settings: Settings, lake: Lake, database: str
) -> None:
    load_reference(settings, database, patients=200)
    sources = load_sources(settings)
    verdicts = []
    for name in SOURCES:
        for table in sources[name].tables:
            extract_table(settings, sources[name], table, WINDOW, database if name == "reference" else None)
        verdicts += judge_source(settings, sources[name])
    planted = planted_rows(settings, lake)
    assert len(planted) == sum(1 + len(dirty.also) for dirty in PLANTED)
    flagged = flagged_rows(settings, verdicts)
    assert Counter(rule for rule, _, _ in planted - flagged) == {}
    assert Counter(rule for rule, _, _ in flagged - planted) == {}
    unjudged = {rule.rule_id for verdict in verdicts for rule in verdict.rules if rule.status in UNJUDGED}
    suites = [suite_for(settings, sources[verdict.source], verdict.table) for verdict in verdicts]
    assert unjudged == {rule.rule_id for suite in suites for rule in suite.drift}  # there is no batch before
    actions = {rule.rule_id: rule.action for verdict in verdicts for rule in verdict.rules}
    assert {dirty.rule_id: actions[dirty.rule_id] for dirty in PLANTED} == {d.rule_id: d.action for d in PLANTED}
    quarantined = {dirty.rule_id for dirty in PLANTED if dirty.action == "quarantine"}
    assert sum(verdict.quarantined_rows for verdict in verdicts) == sum(rule in quarantined for rule, _, _ in planted)


@pytest.mark.skipif("WARDLAKE_REAL_DATA" not in os.environ, reason="needs WARDLAKE_REAL_DATA")
def test_real_data_is_warned_about_and_never_held_back(settings: Settings, database: str) -> None:
    load_mimic3(database, Path(os.environ["WARDLAKE_REAL_DATA"]) / "mimic3_demo")
    source = load_sources(settings)["mimic3"]
    for table in source.tables:
        extract_table(settings, source, table, WINDOW, database)
    verdicts = judge_source(settings, source)
    assert {verdict.status for verdict in verdicts} == {"passed", "warned"}
    assert {verdict.table: verdict.rows for verdict in verdicts if verdict.table in ("icustays", "transfers")} == {
        "icustays": 136,
        "transfers": 524,
    }
    oddities = {rule.rule_id: rule.unexpected for verdict in verdicts for rule in verdict.rules if rule.unexpected}
    assert oddities == {
        "mimic3.admissions.death_after_discharge": 1,
        "mimic3.caregivers.label_missing": 49,
        "mimic3.diagnoses_icd.code_without_text": 45,
        "mimic3.labevents.number_without_unit": 2791,
        "mimic3.prescriptions.dose_is_range": 585,
        "mimic3.prescriptions.stops_before_it_starts": 39,
        "mimic3.procedures_icd.code_without_text": 3,
    }
