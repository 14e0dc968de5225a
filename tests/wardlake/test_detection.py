"""Every defect of the catalogue, planted into the clean hospital, is found by its rule at its rows; nothing else is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import duckdb
import pytest

from wardlake.detection import DELIVERIES, Defect, Delivery, catalogue, clean_hospital, deliver, judge_clean, plant
from wardlake.detection.hospital import reference_sources
from wardlake.detection.page import PAGE, dimension_of, page, rule_metas
from wardlake.quality.suites import Suite, suite_for
from wardlake.settings import Settings


@dataclass(frozen=True)
class Hospital:
    """The clean hospital: loaded, extracted and kept as tables."""

    settings: Settings
    pg_uri: str
    connection: duckdb.DuckDBPyConnection
    suites: dict[str, dict[str, Suite]]


@pytest.fixture(scope="module")
def hospital(module_settings: Settings, module_database: str) -> Iterator[Hospital]:
    """Made once; each defect is taken out again."""
    suites = {
        source.name: {table: suite_for(module_settings, source, table) for table in source.tables}
        for source in reference_sources(module_settings)
    }
    with clean_hospital(module_settings, module_database) as connection:
        yield Hospital(module_settings, module_database, connection, suites)


def test_nothing_is_found_in_the_clean_hospital(hospital: Hospital) -> None:
    verdicts = judge_clean(hospital.settings)
    not_passed = {
        rule.rule_id: rule.status for verdict in verdicts for rule in verdict.rules if rule.status != "passed"
    }
    suites = [suite for tables in hospital.suites.values() for suite in tables.values()]
    # there is no batch before, from which one could have drifted
    assert not_passed == {rule.rule_id: "not_applicable" for suite in suites for rule in suite.drift}
    assert [verdict.status for verdict in verdicts] == ["passed"] * 16


@pytest.mark.parametrize("defect", catalogue(), ids=lambda defect: defect.id)
def test_a_defect_is_found_by_its_rule_at_its_rows(hospital: Hospital, defect: Defect) -> None:
    finding = plant(hospital.connection, hospital.suites[defect.source], defect)
    assert finding.false == []
    assert finding.is_found


@pytest.mark.parametrize("delivery", DELIVERIES, ids=lambda delivery: delivery.id)
def test_a_defect_of_a_delivery_is_found_by_its_rule(hospital: Hospital, delivery: Delivery) -> None:
    finding = deliver(hospital.settings, hospital.pg_uri, delivery)
    assert finding.false == []
    assert finding.is_found


def test_a_defect_that_is_not_found_or_found_elsewhere_is_told(hospital: Hospital) -> None:
    defect = next(one for one in catalogue() if one.id == "admission.age_999")
    suites = hospital.suites["reference"]
    rules = suites["admission"].rules

    def without(*names: str) -> dict[str, Suite]:
        kept = tuple(rule for rule in rules if rule.meta.rule_id.rsplit(".", 1)[1] not in names)
        return {**suites, "admission": replace(suites["admission"], rules=kept)}

    unlisted = defect.model_copy(update={"also": []})
    elsewhere = defect.model_copy(update={"at": "_row_id = 7"})
    assert not plant(hospital.connection, without("age_above_120"), defect).is_found
    assert plant(hospital.connection, without("age_differs_from_date_of_birth"), defect).false == [
        "reference.admission.age_differs_from_date_of_birth says nothing"
    ]
    assert plant(hospital.connection, suites, unlisted).false == [
        "reference.admission.age_differs_from_date_of_birth at row 1"
    ]
    finding = plant(hospital.connection, suites, elsewhere)
    assert (finding.is_found, finding.false) == (False, ["reference.admission.age_above_120 at row 1"])


def test_the_catalogue_covers_every_table_and_dimension() -> None:
    metas, defects = rule_metas(), catalogue()
    assert len({defect.id for defect in defects} | {one.id for one in DELIVERIES}) == len(defects) + len(DELIVERIES)
    assert len({defect.table for defect in defects}) == 16
    dimensions = {dimension_of(metas, one.rule) for one in (*defects, *DELIVERIES)}
    assert dimensions == {"conformance", "completeness", "plausibility", "uniqueness", "timeliness", "consistency"}


def test_the_page_of_the_defects_is_in_step_with_the_catalogue() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: python -m wardlake.detection.page"
