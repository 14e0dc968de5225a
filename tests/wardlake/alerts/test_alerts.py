"""Word goes out when a rule fails: by log, e-mail and webhook, once, without a value, and never at a run's cost."""

import logging
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr
from quality.conftest import Quality, clinic, query

from wardlake.alerts import alert_failure, alert_verdicts, check_mutes, failures_alerted
from wardlake.errors import PassingError
from wardlake.lake import Lake
from wardlake.ledger import open_ledger
from wardlake.quality import Verdict, judge_source, report_run
from wardlake.quality.refusal import RefusedError
from wardlake.run import refuse_halted
from wardlake.settings import Settings

RUN = "20260102T030405000000Z-0123abcd"
NEXT_RUN = "20260103T030405000000Z-0123abcd"
MARK = "Zq9Secret"
SOURCE = clinic(stay={"id": "BIGINT", "ward": "VARCHAR"})
ODD = "clinic.stay.odd"
TODAY = datetime.now(UTC).date()


@pytest.fixture
def alerting(settings: Settings, tmp_path: Path, mailbox: Any, hook: Any) -> Settings:
    """Settings of this test's own that name a mail server and a webhook."""
    return settings.model_copy(
        update={
            "project_root": tmp_path / "project",
            "alert_email": ("data@clinic.example", "night@clinic.example"),
            "alert_smtp_uri": SecretStr(mailbox.address),
            "alert_webhook": SecretStr(hook.address),
            "reports_url": "https://airflow.clinic.example/wardlake/reports/",
        }
    )


def judged(settings: Settings, action: str = "quarantine") -> list[Verdict]:
    """Ten stays, of which two break a rule with this action, and five one that warns."""
    own = Quality(settings, Lake(settings))
    own.suite(
        "stay",
        query("odd", "SELECT _row_id FROM {batch} WHERE id > 8", action),
        query("large", "SELECT _row_id FROM {batch} WHERE id > 5"),
    )
    own.batch("stay", f"SELECT i AS id, '{MARK}' AS ward FROM range(1, 11) AS t(i)")
    return judge_source(settings, SOURCE)


def report(settings: Settings, verdicts: list[Verdict], run_id: str = RUN) -> Path:
    return report_run(settings, run_id=run_id, exposed=[], verdicts=verdicts)


def mute(settings: Settings, **fields: object) -> None:
    path = settings.suites_dir / "mutes.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    entry = {"rule": ODD, "reason": "The ward mends it this week.", "by": "A. Nurse", "until": TODAY, **fields}
    path.write_text(yaml.safe_dump([{name: value for name, value in entry.items() if value is not None}]))


def test_an_alert_names_table_batch_rule_counts_owner_and_report(alerting: Settings, mailbox: Any, hook: Any) -> None:
    verdicts = judged(alerting)
    alert_verdicts(alerting, verdicts, report(alerting, verdicts))
    (message,) = mailbox.messages
    assert message["Subject"] == "Wardlake: 1 rule failed in clinic.stay"
    assert message["To"] == "data@clinic.example, night@clinic.example"
    assert mailbox.recipients == ["data@clinic.example", "night@clinic.example"]
    body = message.get_payload(decode=True).decode()
    told = f"clinic.stay, batch {verdicts[0].batch_id}: quarantined by {ODD}, 2 of 10 rows."
    address = f"https://airflow.clinic.example/wardlake/reports/{RUN}"
    for part in (told, "Because the test says so.", "Owner: data team.", f"Report: {address}"):
        assert part in body
    (posted,) = hook.posted
    assert posted["path"] == "/hooks/secret-token"
    assert told in posted["text"]
    assert posted["report"] == address
    (finding,) = posted["findings"]
    assert (finding["source"], finding["table"], finding["rule_id"]) == ("clinic", "stay", ODD)
    assert (finding["unexpected"], finding["evaluated"]) == (2, 10)
    assert MARK not in body + str(posted)


def test_a_batch_is_alerted_once_and_warnings_only_if_asked_for(alerting: Settings, hook: Any) -> None:
    verdicts = judged(alerting)
    alert_verdicts(alerting, verdicts, report(alerting, verdicts))
    alert_verdicts(alerting, verdicts, report(alerting, verdicts, NEXT_RUN))
    assert len(hook.posted) == 1
    asked = alerting.model_copy(update={"alert_from": "warned"})
    alert_verdicts(asked, verdicts, Path(f"{RUN}.html"))
    assert [finding["rule_id"] for finding in hook.posted[0]["findings"]] == [ODD]
    assert len(hook.posted) == 1  # the second report has told about the batch as well
    Quality(alerting, Lake(alerting)).suite("stay", query("large", "SELECT _row_id FROM {batch} WHERE id > 5"))
    verdicts = judge_source(alerting, SOURCE)
    alert_verdicts(asked, verdicts, report(alerting, verdicts, f"{NEXT_RUN}2"))
    assert [finding["consequence"] for finding in hook.posted[1]["findings"]] == ["warned"]


def test_a_halted_batch_is_alerted_each_time_with_its_rules(alerting: Settings, hook: Any) -> None:
    verdicts = judged(alerting, action="halt")
    for _ in range(2):
        with pytest.raises(RefusedError), failures_alerted(alerting, "wardlake run"):
            refuse_halted(alerting, verdicts)
    first, _ = hook.posted
    assert first["text"].startswith("WARDLAKE FAILED wardlake run: Batches stay out of the warehouse: clinic.stay")
    assert first["findings"][0]["consequence"] == "halted"
    assert first["report"].endswith("-halted")


def test_any_other_failure_is_told_as_well(alerting: Settings, hook: Any) -> None:
    with pytest.raises(PassingError), failures_alerted(alerting, "wardlake run"):
        raise PassingError("The server is away.", remedy="Wait.")
    assert [(one["text"], one["findings"]) for one in hook.posted] == [
        ("WARDLAKE FAILED wardlake run: The server is away. Wait.", [])
    ]


def test_ways_that_fail_are_logged_without_their_address_and_harm_nothing(
    alerting: Settings, hook: Any, mailbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    hook.status = 500
    away = alerting.model_copy(update={"alert_smtp_uri": SecretStr("smtp://user:hidden-word@127.0.0.1:1")})
    with caplog.at_level(logging.DEBUG):
        alert_failure(away, "wardlake run", "The disk is full.", None)
    assert len(hook.posted) == 1
    messages = [record.getMessage() for record in caplog.records]
    assert "WARDLAKE FAILED wardlake run: The disk is full." in messages
    assert "WARDLAKE ALERT NOT SENT by e-mail: ConnectionRefusedError." in messages
    assert "WARDLAKE ALERT NOT SENT by webhook: HTTPError." in messages
    assert "hidden-word" not in caplog.text
    assert "secret-token" not in caplog.text


def test_a_password_is_not_sent_in_the_clear(
    alerting: Settings, mailbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    address = mailbox.address.replace("smtp://", "smtp://user:hidden-word@")
    alert_failure(
        alerting.model_copy(update={"alert_smtp_uri": SecretStr(address)}), "wardlake run", "The disk is full.", None
    )
    assert "NOT SENT by e-mail: UnencryptedError" in caplog.text
    assert mailbox.messages == []


@pytest.mark.parametrize("fields", [{}, {"rule": None, "table": "clinic.stay"}], ids=["the rule", "the whole table"])
def test_what_is_muted_is_in_report_and_ledger_and_is_not_alerted(
    alerting: Settings, hook: Any, fields: dict[str, object]
) -> None:
    mute(alerting, **fields)
    verdicts = judged(alerting)
    path = report(alerting, verdicts)
    alert_verdicts(alerting, verdicts, path)
    assert hook.posted == []
    assert "odd" in path.read_text()
    with open_ledger(alerting) as ledger:
        failed = ledger.execute("SELECT rule_id FROM quality.results WHERE status = 'failed' ORDER BY 1").fetchall()
    assert (ODD,) in failed


@pytest.mark.parametrize(
    "fields",
    [
        {"until": TODAY - timedelta(days=1)},
        {"until": TODAY + timedelta(days=91)},
        {"reason": ""},
        {"rule": "clinic.stay.other"},
    ],
    ids=["it has ended", "it ends too late", "it has no reason", "it is of another rule"],
)
def test_what_is_not_muted_as_it_should_be_is_alerted(alerting: Settings, hook: Any, fields: dict[str, object]) -> None:
    mute(alerting, **fields)
    verdicts = judged(alerting)
    alert_verdicts(alerting, verdicts, report(alerting, verdicts))
    assert len(hook.posted) == 1


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"rule": "clinic.stay.odder"}, "there is no rule 'clinic.stay.odder'"),
        ({"rule": None, "table": "clinic.bed"}, "there is no table 'clinic.bed'"),
        ({"rule": None}, "give either 'rule'"),
        ({"reason": None}, "0.reason: Field required"),
        ({"by": None}, "0.by: Field required"),
        ({"until": date(2026, 1, 1)}, "ended on 2026-01-01"),
        ({"until": TODAY + timedelta(days=91)}, "more than 90 days from now"),
    ],
)
def test_check_names_what_is_wrong_with_a_mute(alerting: Settings, fields: dict[str, object], problem: str) -> None:
    Quality(alerting, Lake(alerting)).suite("stay", query("odd", "SELECT _row_id FROM {batch} WHERE id > 8"))
    mute(alerting)
    assert check_mutes(alerting, [SOURCE]) == []
    mute(alerting, **fields)
    (found,) = check_mutes(alerting, [SOURCE])
    assert found.startswith("expectations/mutes.yaml: ")
    assert problem in found


def test_a_file_of_mutes_that_cannot_be_read_mutes_nothing(
    alerting: Settings, hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    mute(alerting)
    (alerting.suites_dir / "mutes.yaml").write_text("- rule: [")
    verdicts = judged(alerting)
    alert_verdicts(alerting, verdicts, report(alerting, verdicts))
    assert len(hook.posted) == 1
    assert "Nothing is muted, as expectations/mutes.yaml cannot be read: no YAML." in caplog.text
