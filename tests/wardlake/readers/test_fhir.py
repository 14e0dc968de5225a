"""FHIR REST search, from a real server: every resource exactly once, as the server spelt it."""

import json

import pytest
from clinic import DAY, NEXT_DAY
from health_record import INCREMENTAL, KEY, address, current_rows, extract, fhir_source, ids, passing, patient
from pydantic import SecretStr
from web import FhirServer, Told, Web

from wardlake.bronze import batches, extract_table, rows_query
from wardlake.lake import Lake
from wardlake.settings import PROJECT_ROOT, Settings
from wardlake.sources import read_source
from wardlake.warehouse import connect


@pytest.mark.parametrize("is_gzip", [False, True])
def test_all_pages_become_one_batch(settings: Settings, web: Web, is_gzip: bool) -> None:
    web.answer, web.gzip = FhirServer(web, [patient(number) for number in range(8)]), is_gzip
    rows = extract(settings, web, fhir_source())
    assert ids(rows) == [f"p{number}" for number in range(8)]
    assert [asked.one("token") for asked in web.asked] == ["", "1", "2"]
    assert {asked.path for asked in web.asked} == {"/fhir/Patient"}
    assert web.asked[0].query == {"_count": ["3"]}
    assert {asked.headers["Authorization"] for asked in web.asked} == {f"Bearer {KEY}"}


def test_values_are_text_as_the_server_spelt_it(settings: Settings, web: Web) -> None:
    text = '{ "resourceType":"Patient","id":"p1",\n  "active": 1.10, '
    text += '"name":[{"family":"O\\u0027Neill \\\\ é", "given":["A", "B"]}], '
    text += '"extension":[{"valueDecimal":0.30000000000000004123, "b":-0.0,"c":1e5,"d":12345678901234567890123}]}'
    web.answer = FhirServer(web, [text])
    (row,) = extract(settings, web, fhir_source())
    assert row["active"] == "1.10"
    assert row["family"] == "O'Neill \\ é"
    assert row["given"] == '["A","B"]'
    assert row["resource"] == text
    assert row["updated"] is None


def test_login_and_password_are_basic_authentication(settings: Settings, web: Web) -> None:
    web.answer = FhirServer(web, [patient(1)])
    extract_table(settings, fhir_source(), "patient", DAY, web.address.replace("://", "://ann:p%20w@"))
    assert web.asked[0].headers["Authorization"] == "Basic YW5uOnAgdw=="


def test_the_address_comes_from_the_settings_too(settings: Settings, web: Web) -> None:
    web.answer = FhirServer(web, [patient(1)])
    known = settings.model_copy(update={"connections": {"ehr_api": SecretStr(address(web))}})
    assert extract_table(known, fhir_source(), "patient", DAY).manifest.lake_rows == 1


def test_an_empty_search_is_an_empty_batch(settings: Settings, web: Web) -> None:
    web.answer = FhirServer(web, [])
    assert extract(settings, web, fhir_source()) == []
    assert len(batches(settings, Lake(settings), "ehr", "patient")) == 1


def test_a_window_takes_its_start_and_not_its_end(settings: Settings, web: Web) -> None:
    moments = ["2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00.000Z", "2026-01-01T23:59:59.999Z",
               "2026-01-02T00:00:00.000Z", "2026-01-02T23:59:59.999Z", "2026-01-03T00:00:00.000Z"]  # fmt: skip
    web.answer = FhirServer(web, [patient(number, moment) for number, moment in enumerate(moments)])
    source = fhir_source(**INCREMENTAL)
    assert ids(extract(settings, web, source)) == ["p0", "p1", "p2"]
    assert web.asked[0].query["_lastUpdated"] == ["lt2026-01-02T00:00:00.000Z"]
    web.asked.clear()
    second = extract_table(settings, source, "patient", NEXT_DAY, address(web)).manifest
    assert web.asked[0].query["_lastUpdated"] == ["ge2026-01-02T00:00:00.000Z", "lt2026-01-03T00:00:00.000Z"]
    assert (second.lake_rows, ids(current_rows(settings, source))) == (2, ["p0", "p1", "p2", "p3", "p4"])


def test_a_later_version_takes_the_place_of_the_one_before(settings: Settings, web: Web) -> None:
    source = fhir_source(**INCREMENTAL)
    web.answer = FhirServer(web, [patient(1, active=True)])
    extract(settings, web, source)
    web.answer = FhirServer(web, [patient(1, "2026-01-02T08:00:00.000Z", 2, active=False)])
    assert [row["active"] for row in extract(settings, web, source, NEXT_DAY)] == ["false"]


def test_deleted_resources_are_found_by_comparing_the_keys(settings: Settings, web: Web) -> None:
    source = fhir_source(**INCREMENTAL, deletes="compare_keys")
    web.answer = FhirServer(web, [patient(1), patient(2)])
    assert ids(extract(settings, web, source)) == ["p1", "p2"]
    web.answer = FhirServer(web, [patient(2)])
    assert ids(extract(settings, web, source, NEXT_DAY)) == ["p2"]


def test_an_appended_table_asks_for_its_window(settings: Settings, web: Web) -> None:
    search = {"resource": "Patient", "parameters": {"_lastUpdated": ["ge{since}", "lt{until}"], "active": "true"}}
    web.answer = FhirServer(web, [patient(1), patient(2, "2026-01-02T08:00:00.000Z")])
    source = fhir_source(mode="append", search=search)
    assert ids(extract(settings, web, source)) == ["p1"]
    assert ids(extract(settings, web, source, NEXT_DAY)) == ["p1", "p2"]
    assert web.asked[0].one("active") == "true"


def test_included_resources_and_messages_are_left_out_and_counted(settings: Settings, web: Web) -> None:
    warning = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "processing"}]}
    doctor = '{"resource": {"resourceType": "Practitioner", "id": "d1"}, "search": {"mode": "include"}}'
    told = json.dumps({"resource": warning, "search": {"mode": "outcome"}})
    web.answer = FhirServer(web, [patient(number) for number in range(4)], extra={0: doctor, 1: told})
    manifest = extract_table(settings, fhir_source(), "patient", DAY, address(web)).manifest
    assert (manifest.lake_rows, manifest.left_out) == (4, {"included resources": 1, "messages": 1})


def test_copies_across_pages_count_once_and_the_newest_version_stays(settings: Settings, web: Web) -> None:
    again = json.dumps({"resource": json.loads(patient(0))})
    newer = json.dumps({"resource": json.loads(patient(1, "2026-01-01T09:00:00.000Z", 2, active=False))})
    older = json.dumps({"resource": json.loads(patient(2, "2026-01-01T07:00:00.000Z", 0, active=False))})
    extra = {1: f"{again}, {newer}, {older}"}
    web.answer = FhirServer(web, [patient(number) for number in range(4)], extra=extra)
    manifest = extract_table(settings, fhir_source(), "patient", DAY, address(web)).manifest
    assert (manifest.source_rows, manifest.left_out) == (4, {"copies": 1, "older versions": 2})
    rows = current_rows(settings, fhir_source())
    assert [(row["id"], row["active"]) for row in rows] == [
        ("p0", "true"), ("p1", "false"), ("p2", "true"), ("p3", "true"),
    ]  # fmt: skip


@pytest.mark.parametrize("says_total", [True, False])
def test_a_count_that_is_not_reached_is_data_that_moved(settings: Settings, web: Web, says_total: bool) -> None:
    server = FhirServer(web, [patient(number) for number in range(4)], says_total)
    if says_total:
        web.answer = lambda asked: Told(server(asked).body.replace('"total": 4', '"total": 5'))  # type: ignore[union-attr,arg-type]
    else:
        shorter = FhirServer(web, server.resources[:3], says_total)
        web.answer = lambda asked: (server if asked.one("_summary") else shorter)(asked)
    told = passing(settings, web)
    assert "counts" in told
    assert "moved while it was read" in told


def test_a_server_that_counts_nothing_is_counted_by_another_parser(settings: Settings, web: Web) -> None:
    extra = {0: json.dumps({"resource": json.loads(patient(0))})}
    web.answer = FhirServer(
        web, [patient(number) for number in range(4)], says_total=False, knows_count=False, extra=extra
    )
    manifest = extract_table(settings, fhir_source(), "patient", DAY, address(web)).manifest
    assert (manifest.source_rows, manifest.lake_rows) == (4, 4)


def test_the_example_is_read_to_the_end(settings: Settings, web: Web) -> None:
    source = read_source(PROJECT_ROOT / "docs" / "sources" / "examples" / "fhir_server.yaml")
    encounter = {"resourceType": "Encounter", "id": "e1", "class": {"code": "IMP"}, "meta": {"lastUpdated": "2026"}}
    web.answer = FhirServer(web, [patient(1, name=[{"given": ["A", "B"]}]), json.dumps(encounter)])
    read = {}
    for table in ("patient", "encounter"):
        manifest = extract_table(settings, source, table, DAY, address(web)).manifest
        with connect(settings) as engine:
            query = rows_query(settings, source.tables[table], [manifest])
            read[table] = engine.execute(
                f"SELECT * EXCLUDE (_row_id, _batch_id, _extracted_at) FROM ({query})"
            ).fetchall()
    assert read == {
        "patient": [("p1", None, None, '["A","B"]', None, "fhir_server")],
        "encounter": [("e1", "2026", "IMP", None, None, None, json.dumps(encounter), "fhir_server")],
    }
