"""Bad suites and bad batches under published gold: a clear message, no batch passed, and readers keep what they had."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from wardlake.errors import PermanentError
from wardlake.ledger import open_ledger
from wardlake.publish import current_publication
from wardlake.quality.suites import suite_path
from wardlake.reference import load_reference
from wardlake.run import run
from wardlake.settings import PROJECT_ROOT, Settings
from wardlake.sources import active_sources
from wardlake.window import Window

KEPT = "Published gold stays as it was."


@dataclass
class Hospital:
    """A reference hospital with a project of its own; each run takes the window of another day."""

    settings: Settings
    database: str
    days: int = 0

    def run(self) -> None:
        self.days += 1
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=self.days)
        run(self.settings, active_sources(self.settings), Window(start, start + timedelta(days=1)))

    def fails(self) -> str:
        """What a run says that fails; readers see what they saw before."""
        before = current_publication(self.settings)
        with pytest.raises(PermanentError) as failure:
            self.run()
        assert current_publication(self.settings) == before
        return str(failure.value)

    def last_run(self) -> str:
        """Status of the run that the ledger has last."""
        with open_ledger(self.settings) as ledger:
            status = ledger.execute("SELECT status FROM quality.runs ORDER BY run_id DESC LIMIT 1").fetchall()[0][0]
        return str(status)

    @contextmanager
    def suite(self, table: str, *expectations: dict[str, Any]) -> Iterator[None]:
        """The suite of a table with more expectations, until it is mended."""
        path = suite_path(self.settings, "reference", table)
        text = path.read_text()
        content = json.loads(text)
        content["expectations"] += expectations
        path.write_text(json.dumps(content))
        try:
            yield
        finally:
            path.write_text(text)

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.database) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture(scope="module")
def hospital(module_settings: Settings, module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """A hospital whose gold was published once."""
    project: Path = tmp_path_factory.mktemp("project")
    for folder in ("dags/sources", "dbt_project", "expectations"):
        shutil.copytree(PROJECT_ROOT / folder, project / folder)
    settings = module_settings.model_copy(
        update={
            "project_root": project,
            "sources": ("reference", "reference_pharmacy"),
            "connections": {"reference_db": SecretStr(module_database)},
            "lock_wait_s": 20,
        }
    )
    load_reference(settings, module_database, patients=100)
    published = Hospital(settings, module_database)
    published.run()
    return published


def rule(make: Any, name: str, type_: str, action: str = "warn", **kwargs: Any) -> dict[str, Any]:
    expectation: dict[str, Any] = make.rule(name, type_, action, table="ward", **kwargs)
    expectation["meta"]["rule_id"] = f"reference.ward.{name}"
    return expectation


def test_a_suite_with_a_typo_is_refused_with_its_place(hospital: Hospital, make: Any) -> None:
    wrong = rule(make, "typo", "expect_column_values_to_be_unique", column="ward_cd")
    wrong["meta"]["actoin"] = wrong["meta"].pop("action")
    with hospital.suite("ward", wrong):
        told = hospital.fails()
    assert "expectations/reference/ward.json: rule reference.ward.typo: meta.action: Field required" in told
    assert "'wardlake check' lists the problems of all suites" in told


@pytest.mark.parametrize(
    ("type_", "kwargs", "told"),
    [
        pytest.param(
            "expect_the_moon",
            {"column": "ward_cd"},
            "reference.ward.bad (Great Expectations refuses the rule",
            id="an expectation of an unknown type",
        ),
        pytest.param(
            "unexpected_rows_expectation",
            {"unexpected_rows_query": "SELECT _row_id FROM {batch} WHERE ward_nm::INTEGER > 0"},
            "reference.ward.bad (ConversionException; its text may hold values and is left out",
            id="a rule that raises",
        ),
        pytest.param(
            "expect_column_values_to_not_be_null",
            {"column": "ward_colour"},
            "reference.ward.bad (the batch has no column ward_colour",
            id="a column that nobody has",
        ),
    ],
)
def test_a_rule_that_cannot_be_evaluated_marks_the_run_as_error(
    hospital: Hospital, make: Any, type_: str, kwargs: dict[str, Any], told: str
) -> None:
    with hospital.suite("ward", rule(make, "bad", type_, **kwargs)):
        message = hospital.fails()
    assert "reference.ward, batch 2026" in message
    assert f"error by {told}" in message
    assert KEPT in message
    assert hospital.last_run() == "error"


def test_a_table_of_which_all_rows_are_quarantined_is_not_published_empty(hospital: Hospital, make: Any) -> None:
    none = rule(make, "none_fits", "unexpected_rows_expectation", "quarantine")
    none["kwargs"] = {"unexpected_rows_query": "SELECT _row_id FROM {batch}"}
    with hospital.suite("ward", none):
        told = hospital.fails()
    assert "reference.ward, batch 2026" in told
    assert "halted by reference.ward.all_rows_quarantined (Every row of the table is in quarantine" in told
    assert KEPT in told
    assert hospital.last_run() == "halted"


def test_a_batch_of_no_rows_is_halted(hospital: Hospital) -> None:
    hospital.execute("create table kept as table adt.bed_status", "truncate adt.bed_status")
    try:
        told = hospital.fails()
    finally:
        hospital.execute("insert into adt.bed_status table kept", "drop table kept")
    assert "reference.bed_status, batch 2026" in told
    assert "rows; this one has 0, and less than 60 %" in told
    assert KEPT in told
    assert hospital.last_run() == "halted"


def test_a_column_that_is_gone_stops_before_anything_is_judged(hospital: Hospital) -> None:
    hospital.execute("alter table ehr.exam_result rename column unit_cd to unit_code")
    try:
        told = hospital.fails()
    finally:
        hospital.execute("alter table ehr.exam_result rename column unit_code to unit_cd")
    assert "reference.exam_result" in told
    assert "the source breaks its contract: column 'unit_cd' is missing" in told
    assert "correct dags/sources/reference.yaml" in told


def test_what_was_mended_is_published(hospital: Hospital) -> None:
    before = current_publication(hospital.settings)
    hospital.run()
    assert current_publication(hospital.settings) != before
