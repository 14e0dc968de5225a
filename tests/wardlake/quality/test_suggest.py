"""A suggested suite passes `wardlake check`, holds for its batch, and is silent on classed columns."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from wardlake.bronze import extract_table
from wardlake.cli import app
from wardlake.errors import PermanentError
from wardlake.quality import check_suites, judge_source
from wardlake.quality.suggest import suggest_suite, write_suite
from wardlake.quality.suites import suite_path
from wardlake.reference import load_reference
from wardlake.settings import PROJECT_ROOT, Settings
from wardlake.sources import Source, load_sources
from wardlake.window import Window

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
TABLES = ("pat_master", "admission", "ward", "exam_result", "staff")


@pytest.fixture(scope="module")
def hospital(
    module_settings: Settings, module_database: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, Source]:
    """A hospital without suites of its own tables, of which one batch was committed."""
    project = tmp_path_factory.mktemp("project")
    for folder in ("dags/sources", "expectations/gold"):
        shutil.copytree(PROJECT_ROOT / folder, project / folder)
    settings = module_settings.model_copy(update={"project_root": project})
    load_reference(settings, module_database, patients=200)
    source = load_sources(settings)["reference"]
    kept = source.model_copy(update={"tables": {name: source.tables[name] for name in TABLES}})
    for table in kept.tables:
        extract_table(settings, kept, table, WINDOW, module_database)
    return settings, kept


@pytest.fixture(scope="module")
def suggested(hospital: tuple[Settings, Source]) -> dict[str, Any]:
    """The suggested suites, which are written as well."""
    settings, source = hospital
    found = {table: suggest_suite(settings, f"reference.{table}") for table in source.tables}
    for suggestion in found.values():
        write_suite(settings, suggestion, force=False)
    return {table: json.loads(suggestion.text) for table, suggestion in found.items()}


def rules(suite: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["meta"]["rule_id"].split(".")[2]: one for one in suite["expectations"]}


def test_check_finds_nothing_and_every_rule_says_that_it_must_be_reviewed(
    hospital: tuple[Settings, Source], suggested: dict[str, Any]
) -> None:
    settings, source = hospital
    places = tuple(f"expectations/reference/{table}.json" for table in TABLES)
    assert [problem for problem in check_suites(settings, [source]) if problem.startswith(places)] == []
    metas = [one["meta"] for suite in suggested.values() for one in suite["expectations"]]
    metas += [one for suite in suggested.values() for one in suite["meta"].get("drift", [])]
    assert len(metas) > 50
    assert all("Suggested from batch 20260101T" in meta["why"] for meta in metas)
    assert all(meta["why"].endswith("to be reviewed.") for meta in metas)


def test_the_batch_keeps_the_rules_that_were_made_from_it(
    hospital: tuple[Settings, Source], suggested: dict[str, Any]
) -> None:
    settings, source = hospital
    assert suggested
    verdicts = judge_source(settings, source)
    broken = {rule.rule_id: rule.unexpected for verdict in verdicts for rule in verdict.rules if rule.unexpected}
    assert broken == {}


def test_what_was_seen_becomes_a_rule(suggested: dict[str, Any]) -> None:
    exams = rules(suggested["exam_result"])
    assert exams["res_id_missing"]["meta"]["action"] == "quarantine"
    assert exams["key_not_unique"]["type"] == "expect_column_values_to_be_unique"
    assert rules(suggested["staff"])["staff_kind_not_in_list"]["kwargs"]["value_set"] == ["DOC", "NUR"]
    moved = {(one["column"], one["measure"]) for one in suggested["staff"]["meta"]["drift"]}
    assert ("staff_kind", "shares") in moved
    patterns = [one for suite in suggested.values() for one in suite["expectations"] if "regex" in one["kwargs"]]
    assert patterns


def test_a_reference_that_holds_is_suggested_and_one_that_does_not_is_not(quality: Any, make: Any) -> None:
    columns = {"id": "BIGINT", "from_ward_no": "VARCHAR", "ward_no": "VARCHAR"}
    source = make.clinic(stay=columns, ward={"ward_no": "VARCHAR"})
    path = quality.settings.sources_dir / "clinic.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(source.model_dump(mode="json", exclude_none=True)))
    quality.batch("ward", "SELECT unnest(['W0', 'W1']) AS ward_no")
    quality.batch(
        "stay", "SELECT i AS id, 'W' || (i % 2) AS from_ward_no, 'W' || (i % 3) AS ward_no FROM range(60) t(i)"
    )
    suggestion = suggest_suite(quality.settings, "clinic.stay")
    write_suite(quality.settings, suggestion, force=False)
    names = rules(json.loads(suggestion.text))
    assert "from_ward_no_unknown_in_ward" in names
    assert "ward_no_unknown_in_ward" not in names
    assert [one for one in check_suites(quality.settings, [source]) if "stay.json" in one] == []


def test_no_value_of_a_classed_column_stands_in_a_suite(
    hospital: tuple[Settings, Source], suggested: dict[str, Any]
) -> None:
    _, source = hospital
    for table, suite in suggested.items():
        classed = {name for name, column in source.tables[table].columns.items() if column.pii != "none"}
        for one in suite["expectations"]:
            if {"value_set", "min_value", "max_value"} & one["kwargs"].keys():
                assert one["kwargs"].get("column") not in classed


def test_a_suite_that_exists_is_not_replaced_unasked(
    hospital: tuple[Settings, Source], suggested: dict[str, Any]
) -> None:
    settings, _ = hospital
    path = suite_path(settings, "reference", "ward")
    path.write_text("{}")
    again = suggest_suite(settings, "reference.ward")
    with pytest.raises(PermanentError, match=r"expectations/reference/ward\.json exists already"):
        write_suite(settings, again, force=False)
    assert path.read_text() == "{}"
    write_suite(settings, again, force=True)
    assert json.loads(path.read_text()) == suggested["ward"]


@pytest.mark.parametrize(
    ("name", "batch", "told"),
    [
        ("reference.nothing", None, "No YAML in dags/sources describes reference.nothing"),
        ("reference.bed", None, "reference.bed has no batch yet"),
        ("reference.ward", "20200101T000000Z-0", "reference.ward has no batch 20200101T000000Z-0 that counts"),
    ],
)
def test_what_cannot_be_profiled_is_told(
    hospital: tuple[Settings, Source], name: str, batch: str | None, told: str
) -> None:
    with pytest.raises(PermanentError, match=told):
        suggest_suite(hospital[0], name, batch)


def test_the_command_prints_a_suite_and_writes_nothing(
    hospital: tuple[Settings, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = hospital
    monkeypatch.setattr("wardlake.quality_cli.load_settings", lambda: settings)
    before = sorted(Path(settings.suites_dir).rglob("*.json"))
    ended = CliRunner().invoke(app, ["quality", "suggest", "reference.staff", "--stdout"])
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["name"] == "reference.staff"
    assert sorted(Path(settings.suites_dir).rglob("*.json")) == before
