"""Answers of a FHIR server that nobody wants: they are named without a value, and the key is shown nowhere."""

import logging
import subprocess
from pathlib import Path

import pytest
from clinic import DAY, NEXT_DAY
from health_record import COLUMNS, KEY, address, fhir_source, patient, refusal
from pydantic import SecretStr
from web import FhirServer, Told, Web, reset, status

from wardlake.bronze import extract_table
from wardlake.errors import PermanentError
from wardlake.settings import Settings


@pytest.mark.parametrize(
    ("body", "type_", "reason"),
    [
        ("<html>Log in, Ms Secret</html>", "text/html", "answers with text/html instead of JSON"),
        ("<Bundle/>", "application/fhir+xml", "answers with application/fhir+xml instead of JSON"),
        ('{"resourceType": "Patient", "id": "Secret"}', "application/json", "sent a Patient instead of a Bundle"),
        ('{"resourceType": "Secret"}', "application/json", "sent another resource instead of a Bundle"),
        ('{"resourceType": "Ms \\"Secret\\""}', "application/json", "sent another resource instead of a Bundle"),
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
