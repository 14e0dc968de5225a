"""FHIR REST search, from a real server that misbehaves: every resource exactly once, or an error and no batch."""

import itertools
import json
import logging
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from clinic import DAY, FACILITY, NEXT_DAY
from hypothesis import HealthCheck, given
from hypothesis import settings as trial
from hypothesis import strategies as st
from pydantic import SecretStr
from web import Fault, FhirServer, Handler, Told, Web, cut_short, hang, reset, status, web_server

from wardlake.bronze import batches, current_batches, current_query, extract_table, rows_query
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.lake import Lake
from wardlake.settings import PROJECT_ROOT, Settings
from wardlake.sources import Source, read_source
from wardlake.warehouse import connect
from wardlake.window import Window

COUNTER = itertools.count(1)
KEY = "k3y-of/the@server"
RETRY = {"attempts": 4, "first_wait_s": 0.001, "longest_wait_s": 0.01}
COLUMNS = {
    "id": {"type": "VARCHAR", "pii": "none", "path": "$.id"},
    "updated": {"type": "VARCHAR", "pii": "none", "path": "$.meta.lastUpdated"},
    "family": {"type": "VARCHAR", "pii": "name", "path": "$.name[0].family"},
    "given": {"type": "VARCHAR", "pii": "name", "path": "$.name[0].given[*]"},
    "active": {"type": "VARCHAR", "pii": "none"},
    "resource": {"type": "VARCHAR", "pii": "free_text", "path": "$"},
}


def fhir_source(connection: dict[str, Any] | None = None, **table: Any) -> Source:
    """A FHIR source with one table `patient`."""
    return Source.model_validate(
        {
            "name": "ehr",
            "description": "Electronic health record.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "fhir", "conn_id": "ehr_api", "page_size": 3, "retry": RETRY, **(connection or {})},
            "provides": ["patients"],
            "tables": {
                "patient": {
                    "description": "Patients.",
                    "search": {"resource": "Patient"},
                    "keys": ["id"],
                    "columns": COLUMNS,
                    **table,
                }
            },
        }
    )


INCREMENTAL = {"mode": "incremental", "cursor": {"column": "updated", "look_back": "PT0S"}}


def patient(number: int, updated: str = "2026-01-01T08:00:00.000Z", version: int = 1, **more: object) -> str:
    """A patient as JSON text."""
    meta = {"versionId": str(version), "lastUpdated": updated}
    return json.dumps({"resourceType": "Patient", "id": f"p{number}", "meta": meta, "active": True, **more})


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as running:
        yield running


def address(web: Web) -> str:
    return web.address.replace("://", f"://:{KEY.replace('/', '%2F').replace('@', '%40')}@") + "/fhir/"


def extract(settings: Settings, web: Web, source: Source, window: Window = DAY) -> list[dict[str, Any]]:
    """Extract the patients; the rows that the table has then."""
    extract_table(settings, source, "patient", window, address(web))
    return current_rows(settings, source)


def current_rows(settings: Settings, source: Source) -> list[dict[str, Any]]:
    table = source.tables["patient"]
    manifests = current_batches(settings, Lake(settings), source, "patient")
    with connect(settings) as engine:
        found = engine.execute(f"SELECT * FROM ({current_query(settings, table, manifests)}) ORDER BY id")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def refusal(settings: Settings, web: Web, source: Source | None = None) -> str:
    """The text of the permanent error, after which there is no batch."""
    with pytest.raises(PermanentError, match=r"^ehr\.patient, batch ") as raised:
        extract_table(settings, source or fhir_source(), "patient", DAY, address(web))
    assert batches(settings, Lake(settings), "ehr", "patient") == []
    assert KEY not in str(raised.value)
    return str(raised.value)


def passing(settings: Settings, web: Web, source: Source | None = None) -> str:
    """The text of the passing error, after which there is no batch."""
    with pytest.raises(PassingError, match=r"^ehr\.patient, batch ") as raised:
        extract_table(settings, source or fhir_source(), "patient", DAY, address(web))
    assert batches(settings, Lake(settings), "ehr", "patient") == []
    return str(raised.value)


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


def test_passing_faults_of_a_page_repeat_that_page_alone(settings: Settings, web: Web) -> None:
    web.answer = FhirServer(web, [patient(number) for number in range(7)])
    web.faults = [None, status(503), reset, cut_short, None, status(429, Retry_After="0"), status(500)]
    assert len(extract(settings, web, fhir_source())) == 7
    assert [asked.one("token") for asked in web.asked] == ["", "1", "1", "1", "1", "2", "2", "2"]


def test_a_slow_answer_is_asked_for_again(settings: Settings, web: Web) -> None:
    web.answer, web.faults = FhirServer(web, [patient(1)]), [hang]
    assert len(extract(settings, web, fhir_source({"timeout_s": 0.3}))) == 1
    assert len(web.asked) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (status(503), "answers with HTTP 503; 4 attempts"),
        (reset, "broke off its answer"),
        (cut_short, "sent JSON that is cut short"),
        (hang, "did not answer in full within 0.3 s"),
    ],
)
def test_a_fault_that_does_not_pass_is_a_passing_error(settings: Settings, web: Web, fault: Fault, reason: str) -> None:
    web.answer, web.faults = FhirServer(web, [patient(number) for number in range(7)]), [None] + [fault] * 4
    assert reason in passing(settings, web, fhir_source({"timeout_s": 0.3}))
    assert len(web.asked) == 5


def test_a_server_that_is_not_there_is_a_passing_error(settings: Settings) -> None:
    with pytest.raises(PassingError, match="server of connection 'ehr_api' cannot be reached; 4 attempts"):
        extract_table(settings, fhir_source(), "patient", DAY, "http://:key@127.0.0.1:9/fhir")


@pytest.mark.parametrize("is_date", [False, True])
def test_the_server_says_how_long_to_wait(settings: Settings, web: Web, is_date: bool) -> None:
    def busy(handler: Handler, told: Told) -> None:
        wanted = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True) if is_date else "1"
        status(429, Retry_After=wanted)(handler, told)

    web.answer, web.faults = FhirServer(web, [patient(1)]), [busy]
    extract(settings, web, fhir_source({"retry": RETRY | {"longest_wait_s": 30}}))
    first, second = web.asked
    assert second.at - first.at >= 1


def test_a_wait_that_is_too_long_is_left_to_the_task(settings: Settings, web: Web) -> None:
    web.answer, web.faults = FhirServer(web, [patient(1)]), [status(429, Retry_After="3600")]
    assert "answers with HTTP 429 and asks to wait 3600 s; 1 attempts" in passing(settings, web)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (401, "refuses the key or the rights of its user (HTTP 401)"),
        (403, "refuses the key or the rights of its user (HTTP 403)"),
        (404, "has nothing there (HTTP 404)"),
        (400, "does not accept the request (HTTP 400)"),
        (301, "sends the reader to another address (HTTP 301)"),
    ],
)
def test_a_refusal_is_not_tried_again(settings: Settings, web: Web, code: int, reason: str) -> None:
    web.answer, web.faults = FhirServer(web, [patient(1)]), [status(code, Location="/elsewhere")]
    assert reason in refusal(settings, web)
    assert len(web.asked) == 1


def test_a_reason_is_told_in_words_of_the_standard_only(settings: Settings, web: Web) -> None:
    issue = {"severity": "error", "code": "invalid", "diagnostics": "Ms Secret", "details": {"text": "Ms Secret"}}
    outcome = json.dumps(
        {"resourceType": "OperationOutcome", "issue": [issue, {"severity": "error", "code": "Ms Secret"}]}
    )
    web.answer, web.faults = FhirServer(web, [patient(1)]), [status(422, outcome, "application/fhir+json")]
    told = refusal(settings, web)
    assert "(HTTP 422 (error/invalid))" in told
    assert "Secret" not in told
    web.faults = [status(200, outcome, "application/fhir+json")]
    assert "reports an error (error/invalid)" in refusal(settings, web)
    entry = json.dumps({"resource": json.loads(outcome), "search": {"mode": "outcome"}})
    web.answer = FhirServer(web, [patient(1)], extra={0: entry})
    assert "reports an error (error/invalid)" in refusal(settings, web)


def test_a_passing_fault_that_is_told_as_a_resource_is_tried_again(settings: Settings, web: Web) -> None:
    outcome = json.dumps({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "throttled"}]})
    web.answer, web.faults = FhirServer(web, [patient(1)]), [status(200, outcome, "application/fhir+json")]
    assert len(extract(settings, web, fhir_source())) == 1


def test_a_search_that_expired_begins_anew_once(settings: Settings, web: Web) -> None:
    web.answer, web.faults = FhirServer(web, [patient(number) for number in range(7)]), [None, None, status(410)]
    assert len(extract(settings, web, fhir_source())) == 7
    assert [asked.one("token") for asked in web.asked] == ["", "1", "2", "", "1", "2"]


def test_a_search_that_expires_again_is_a_passing_error(settings: Settings, web: Web) -> None:
    web.answer = FhirServer(web, [patient(number) for number in range(7)])
    web.faults = [None, status(404), None, None, status(410)]
    assert "forgot the search after 2 pages, and again" in passing(settings, web)


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("{address}/fhir/Patient?_count=3", "links to a page that was read already, after 1 pages"),
        ("http://elsewhere.example/fhir/Patient?token=1", "on another server (http://elsewhere.example)"),
        ("http://h:port/", "something that is no address"),
    ],
)
def test_a_link_that_leads_astray_is_not_followed(settings: Settings, web: Web, link: str, reason: str) -> None:
    url = link.format(address=web.address)
    bundle = {"resourceType": "Bundle", "link": [{"relation": "next", "url": url}], "entry": []}
    web.answer = lambda _: Told(json.dumps(bundle))
    assert reason in refusal(settings, web)
    assert len(web.asked) == 1


@pytest.mark.parametrize(
    ("body", "type_", "reason"),
    [
        ("<html>Log in, Ms Secret</html>", "text/html", "answers with text/html instead of JSON"),
        ("<Bundle/>", "application/fhir+xml", "answers with application/fhir+xml instead of JSON"),
        ('{"resourceType": "Patient", "id": "Secret"}', "application/json", "is no FHIR Bundle"),
        ('["Secret"]', "application/json", "is no FHIR Bundle"),
        ('{"resourceType": "Bundle", "total": "Secret"}', "application/json", "is no FHIR Bundle"),
        ('{"resourceType": "Bundle", "entry": [{}]}', "application/json", "is no FHIR Bundle"),
        ('{"resourceType": "Bundle" Secret}', "application/json", "is no JSON"),
        (b'{"resourceType": "Bundle", "entry": "\xe9"}', "application/json", "is not in UTF-8"),
        (
            '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "\\ud800 Secret"}}]}',
            "application/json",
            "is no JSON (JSON is malformed: unexpected end of hex escape",
        ),
        (
            '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}',
            "application/json",
            "row 1 holds none of the columns",
        ),
    ],
)
def test_an_answer_that_is_something_else_is_named(
    settings: Settings, web: Web, body: str | bytes, type_: str, reason: str
) -> None:
    web.answer = lambda _: Told(body, content_type=type_)
    columns = {name: column for name, column in COLUMNS.items() if name != "resource"}
    told = refusal(settings, web, fhir_source(columns=columns))
    assert reason in told
    assert "Secret" not in told


def test_an_answer_that_is_too_large_is_refused(settings: Settings, web: Web) -> None:
    web.answer = FhirServer(web, [patient(1, text="x" * 1024**2)])
    told = refusal(settings, web, fhir_source({"max_page_mb": 1}))
    assert "sent an answer larger than 1 MB. Ask for smaller pages, or raise 'max_page_mb'" in told


@pytest.mark.parametrize(
    "uri", ["fhir.example/base", "https://", "https://u:a/b@h/base", "https://:line%0Abreak@h", ""]
)
def test_an_address_that_is_not_understood_is_not_shown(settings: Settings, uri: str) -> None:
    known = settings.model_copy(update={"connections": {"ehr_api": SecretStr(uri)}})
    with pytest.raises(PermanentError) as raised:
        extract_table(known, fhir_source(), "patient", DAY)
    told = (
        "The address of connection 'ehr_api' is not understood. Write https://login:password@host:port/base; in login"
    )
    assert str(raised.value).startswith(told)


def test_the_key_is_in_no_log_error_or_manifest(settings: Settings, web: Web, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    web.answer, web.faults = FhirServer(web, [patient(number) for number in range(7)]), [status(503), reset]
    manifest = extract_table(settings, fhir_source(), "patient", DAY, address(web)).manifest
    web.faults = [status(401)]
    with pytest.raises(PermanentError) as raised:
        extract_table(settings, fhir_source(), "patient", NEXT_DAY, address(web))
    shown = caplog.text + manifest.model_dump_json() + repr(raised.value)
    assert not any(text in shown for text in (KEY, "k3y-of", "token=1"))


def test_a_certificate_that_is_not_trusted_is_told(settings: Settings, web: Web, tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate", tmp_path / "key"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=x",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
    )
    web.use_tls(certificate, key)
    assert "has a certificate that is not trusted. Add the hospital's certificate authority" in refusal(settings, web)


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
