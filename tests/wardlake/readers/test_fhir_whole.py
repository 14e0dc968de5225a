"""Real resources, and any row of faults: every resource exactly once, or an error and no batch."""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from health_record import COLUMNS, extract, fhir_source, ids, patient
from hypothesis import HealthCheck, given
from hypothesis import settings as trial
from hypothesis import strategies as st
from web import Fault, FhirServer, Web, cut_short, reset, status, web_server

from wardlake.errors import WardlakeError
from wardlake.settings import Settings

COUNTER = itertools.count(1)


@pytest.fixture(scope="module")
def module_web() -> Iterator[Web]:
    with web_server() as running:
        yield running


@pytest.mark.skipif("WARDLAKE_REAL_DATA" not in os.environ, reason="WARDLAKE_REAL_DATA is not set")
@pytest.mark.parametrize("resource", ["Encounter", "MedicationRequest", "Patient", "Location"])
def test_real_resources_arrive_as_they_are(settings: Settings, module_web: Web, resource: str) -> None:
    folder = Path(os.environ["WARDLAKE_REAL_DATA"]) / "fhir_r4_bulk_10_patients"
    lines = (folder / f"{resource}.000.ndjson").read_text().splitlines()
    module_web.answer = FhirServer(module_web, lines)
    module_web.faults = [None, status(503), None, cut_short, reset]
    columns = {name: COLUMNS[name] for name in ("id", "updated", "resource")}
    source = fhir_source({"page_size": 100}, search={"resource": resource}, columns=columns)
    assert sorted(row["resource"] for row in extract(settings, module_web, source)) == sorted(lines)


FAULTS: list[Fault | None] = [None, status(503), status(429), reset, cut_short, status(404), status(401)]


@given(
    rows=st.integers(0, 12),
    copies=st.lists(st.integers(0, 11), max_size=3),
    faults=st.lists(st.sampled_from(FAULTS), max_size=12),
    says_total=st.booleans(),
)
@trial(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_fails_there_is_an_error_or_the_rows_are_exact_and_so_they_are_after_a_retry(
    module_settings: Settings,
    module_web: Web,
    rows: int,
    copies: list[int],
    faults: list[Fault | None],
    says_total: bool,
) -> None:
    resources = [patient(number) for number in range(rows)]
    drifted = ", ".join(json.dumps({"resource": json.loads(resources[copy])}) for copy in copies if copy < rows)
    module_web.answer = FhirServer(
        module_web, resources, says_total, extra={1: drifted} if drifted and rows > 3 else {}
    )
    module_web.faults = list(faults)
    # a name of its own: no batches yet
    source = fhir_source().model_copy(update={"name": f"ehr{next(COUNTER)}"})
    try:
        found = extract(module_settings, module_web, source)
    except WardlakeError:
        assert any(faults)
        module_web.faults.clear()
        found = extract(module_settings, module_web, source)
    assert ids(found) == sorted(f"p{number}" for number in range(rows))
