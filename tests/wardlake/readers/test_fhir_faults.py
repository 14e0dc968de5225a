"""A FHIR server that misbehaves: a fault that passes is tried again, all else is told, and there is no batch."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from clinic import DAY
from health_record import RETRY, extract, fhir_source, passing, patient, refusal
from web import Fault, FhirServer, Handler, Told, Web, cut_short, hang, reset, status

from wardlake.bronze import extract_table
from wardlake.errors import PassingError
from wardlake.settings import Settings


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
