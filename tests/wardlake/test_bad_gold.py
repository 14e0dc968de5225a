"""Bad input under published gold: each fault stops where it belongs and is told, and readers keep what they had."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from gold_readers import gold_of
from pydantic import SecretStr

from wardlake.errors import PermanentError
from wardlake.publish import current_publication
from wardlake.reference import load_reference
from wardlake.run import run, run_until_bronze
from wardlake.settings import PROJECT_ROOT, Settings
from wardlake.sources import SourceError, active_sources
from wardlake.window import Window

PATIENTS = 100
SOURCES = ("reference", "reference_pharmacy")
KEPT = "Published gold stays as it was."


@dataclass
class Hospital:
    """A reference hospital with a project of its own; each run takes the window of another day."""

    settings: Settings
    database: str
    days: int = 0
    stages: list[str] = field(default_factory=list)

    def run(self, pipeline: Callable[..., object] = run) -> None:
        self.days += 1
        self.stages = []
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=self.days)

        def note(stage: str, *_: object) -> None:
            self.stages.append(stage)

        pipeline(self.settings, active_sources(self.settings), Window(start, start + timedelta(days=1)), note)

    def seen(self) -> tuple[object, ...]:
        """What a reader of gold sees."""
        return current_publication(self.settings), gold_of(self.settings)

    def fails(self, stage: str) -> str:
        """What a run says that fails at this stage; readers see what they saw before."""
        before = self.seen()
        with pytest.raises(PermanentError) as failure:
            self.run()
        assert self.stages[-1] == stage
        assert self.seen() == before
        return str(failure.value)

    @contextmanager
    def changed(self, table: str, *statements: str) -> Iterator[None]:
        """A table of the source in another state, until it is mended."""
        kept = f"kept_{table.partition('.')[2]}"
        self._execute(f"create table {kept} as table {table}", *statements)
        try:
            yield
        finally:
            self._execute(f"truncate {table}", f"insert into {table} table {kept}", f"drop table {kept}")

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """A file of the project with another text, until it is mended."""
        path = self.settings.project_root / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        try:
            yield
        finally:
            path.write_text(text)

    def _execute(self, *statements: str) -> None:
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
            "sources": SOURCES,
            "connections": {"reference_db": SecretStr(module_database)},
            "lock_wait_s": 20,
        }
    )
    load_reference(settings, module_database, patients=PATIENTS)
    published = Hospital(settings, module_database)
    published.run()
    return published


def test_a_source_that_sends_half_its_rows_or_a_key_twice_is_halted(hospital: Hospital) -> None:
    with hospital.changed("ehr.exam_result", "delete from ehr.exam_result where res_id % 2 = 0"):
        told = hospital.fails("validate")
    assert "reference.exam_result, batch 2026" in told
    assert "halted by reference.exam_result.rows_were_lost (The batch that was let through before" in told
    assert "lower least_rows_pct of exam_result in dags/sources/reference.yaml" in told
    assert KEPT in told
    again = ("alter table adt.bed drop constraint bed_pkey", "insert into adt.bed select * from adt.bed limit 1")
    with hospital.changed("adt.bed", *again):
        told = hospital.fails("validate")
    assert "reference.bed, batch 2026" in told
    assert "halted by reference.bed.bed_no_not_unique (2 of " in told
    assert KEPT in told
    hospital.run(run_until_bronze)


def test_a_facility_without_time_zone_stops_before_anything_is_read(hospital: Hospital) -> None:
    before = hospital.seen()
    told = r"reference\.yaml: facility\.timezone: Field required\. Correct .*docs/sources/fields\.md"
    with (
        hospital.edited("dags/sources/reference.yaml", "  timezone: Europe/Berlin\n", ""),
        pytest.raises(SourceError, match=told),
    ):
        hospital.run()
    assert hospital.stages == []
    assert hospital.seen() == before


@pytest.fixture(scope="module")
def failed_build(hospital: Hospital) -> str:
    """What is told of a build in which several things are wrong at once; they are mended afterwards."""
    staging = "dbt_project/models/staging"
    with (
        hospital.edited(
            f"{staging}/reference/stg_reference__observations.sql",
            "cast(exam_nm as {{ type_text() }}) as observation_name",
            "cast(res_id as bigint) as observation_name",
        ),
        hospital.edited(
            f"{staging}/reference_pharmacy/stg_reference_pharmacy__drug_prices.sql",
            "cast(currency as",
            "cast(case when mod(_row_id, 2) = 0 then 'USD' else currency end as",
        ),
        hospital.changed("ehr.drug", "update ehr.drug set pricing_unit = 'G' where drug_cd = 'R1001'"),
        hospital.changed("adt.bed_status", "update adt.bed_status set status_cd = 'ODD' where status_id = 1"),
    ):
        return hospital.fails("build")


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(
            "staging.stg_reference__observations (dbt_project/models/staging/reference/"
            "stg_reference__observations.sql): it breaks its contract in dbt_project/models/staging/reference/"
            "stg_reference__observations.yml: column observation_name is BIGINT instead of VARCHAR",
            id="a staging model that breaks the contract",
        ),
        pytest.param(
            "silver.bed_statuses, column bed_status_code (dbt_project/models/silver/bed_statuses.yml): 1 finding "
            "against accepted_values (values: OPEN, CLOSED, CLEANING). OPEN (can take a patient",
            id="an unknown code",
        ),
        pytest.param(
            "a drug is counted in one unit (dbt_project/tests/a_drug_is_counted_in_one_unit.sql): 1 finding: "
            "drug_id reference:R1001, first_unit_code EA, last_unit_code G. Amounts in two units cannot be added",
            id="a unit that changes",
        ),
        pytest.param(
            "drug costs are in the currency of their facility "
            "(dbt_project/tests/drug_costs_are_in_the_currency_of_their_facility.sql): 1 finding: "
            "facility_id reference, currency_code EUR, other_currency_code USD. Amounts in two currencies",
            id="two currencies in one table",
        ),
        pytest.param("models and tests that need them were skipped. " + KEPT, id="readers"),
    ],
)
def test_a_failed_build_says_what_is_wrong_and_where(failed_build: str, told: str) -> None:
    assert told in failed_build


def test_a_failed_build_tells_no_value_that_was_not_released(failed_build: str) -> None:
    assert "ODD" not in failed_build


def test_what_was_mended_is_published(hospital: Hospital, failed_build: str) -> None:
    assert failed_build
    publication, gold = hospital.seen()
    hospital.run()
    mended, gold_again = hospital.seen()
    assert mended != publication
    assert gold_again == gold
