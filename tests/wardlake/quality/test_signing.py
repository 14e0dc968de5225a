"""Sign-off: bound to the stored report, never by who decided on the rows, and the gate of publishing where required."""

import hashlib
from typing import Any

import pytest
from typer.testing import CliRunner

from wardlake.cli import app
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.ledger import Decision, append, open_ledger, verify
from wardlake.quality import judge_source, report_run, sign, state_of
from wardlake.quality.keeping import report_key
from wardlake.quality.runs import latest_runs, run_of, run_told_by
from wardlake.settings import Settings

RUN = "20260102T030405000000Z-0123abcd"
DAG_RUN = "extract_clinic/scheduled__1"


@pytest.fixture
def reported(quality: Any, make: Any) -> Settings:
    """A clinic with one batch that was judged and reported."""
    quality.suite("stay", make.query("odd", "SELECT _row_id FROM {batch} WHERE id > 8", "quarantine"))
    quality.batch("stay", "SELECT i AS id FROM range(1, 11) AS t(i)")
    verdicts = judge_source(quality.settings, make.clinic(stay={"id": "BIGINT"}), dag_run=DAG_RUN)
    report_run(quality.settings, run_id=RUN, exposed=[], verdicts=verdicts, dag_run="build_gold/manual__1")
    return quality.settings


def shown(settings: Settings) -> str:
    """SHA-256 of what an auditor opens."""
    return hashlib.sha256((settings.reports_dir / f"{RUN}.html").read_bytes()).hexdigest()


def signoffs(settings: Settings) -> list[tuple[Any, ...]]:
    with open_ledger(settings) as ledger:
        return ledger.execute(
            "SELECT run_id, report_sha256, decision, signed_by, remark FROM quality.signoffs ORDER BY sequence"
        ).fetchall()


def decided(settings: Settings, action: Any, name: str, batch_id: str | None = None) -> None:
    with open_ledger(settings) as ledger:
        ((batch,),) = ledger.execute("SELECT batch_id FROM quality.run_batches").fetchall()
    append(
        settings,
        Lake(settings),
        Decision(
            action=action,
            source="clinic",
            table="stay",
            batch_id=batch_id or batch,
            rule_id=None,
            rows=2,
            decided_by=name,
            reason="known",
        ),
    )


def test_a_signature_is_entered_with_the_hash_of_the_report(reported: Settings) -> None:
    assert state_of(reported, RUN) is None
    signed = sign(reported, RUN, shown(reported), "approved", " A. Auditor ", "seen")
    assert (signed.decision, signed.signed_by, signed.remark) == ("approved", "A. Auditor", "seen")
    assert signed == state_of(reported, RUN)
    assert signoffs(reported) == [(RUN, shown(reported), "approved", "A. Auditor", "seen")]
    assert verify(reported).problems == []


def test_the_last_signature_counts_and_a_repeated_one_is_entered_once(reported: Settings) -> None:
    for _ in range(2):
        sign(reported, RUN, shown(reported), "approved", "A. Auditor", "")
    sign(reported, RUN, shown(reported), "rejected", "B. Auditor", "beds are missing")
    assert [row[2:4] for row in signoffs(reported)] == [("approved", "A. Auditor"), ("rejected", "B. Auditor")]
    found = state_of(reported, RUN)
    assert found
    assert (found.decision, found.signed_by) == ("rejected", "B. Auditor")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"run_id": "20260102T030405000000Z-ffffffff"}, "The ledger has no run 20260102T030405000000Z-ffffffff"),
        ({"report_sha256": "0" * 64}, "what was read has another SHA-256 than the stored report"),
        ({"decision": "rejected", "remark": " "}, "a rejection needs a remark"),
        ({"name": " "}, "A signature needs a name"),
    ],
)
def test_what_cannot_be_signed_is_refused(reported: Settings, change: dict[str, Any], message: str) -> None:
    asked = {"run_id": RUN, "report_sha256": shown(reported), "decision": "approved", "name": "A", "remark": "seen"}
    with pytest.raises(PermanentError, match=message):
        sign(reported, **{**asked, **change})
    assert signoffs(reported) == []


def test_a_report_that_was_altered_cannot_be_signed(reported: Settings) -> None:
    altered = b"<html>all is well</html>"
    Lake(reported).put(reported.bucket("quality"), report_key(RUN), altered)
    for read in (shown(reported), hashlib.sha256(altered).hexdigest()):
        with pytest.raises(PermanentError, match="the stored report was altered"):
            sign(reported, RUN, read, "approved", "A. Auditor", "")


@pytest.mark.parametrize("action", ["replay", "accept"])
def test_nobody_signs_what_they_have_decided_themselves(reported: Settings, action: str) -> None:
    decided(reported, action, "Dana Data")
    with pytest.raises(PermanentError, match=r"dana data has decided on quarantined rows of clinic\.stay"):
        sign(reported, RUN, shown(reported), "approved", "dana data", "")
    assert sign(reported, RUN, shown(reported), "approved", "A. Auditor", "").signed_by == "A. Auditor"


def test_who_has_only_looked_at_rows_or_decided_on_another_batch_may_sign(reported: Settings) -> None:
    decided(reported, "show", "A. Auditor")
    decided(reported, "accept", "A. Auditor", batch_id="20251231T000000Z-20260101T000000Z-ffffffff")
    assert sign(reported, RUN, shown(reported), "approved", "A. Auditor", "").decision == "approved"


def test_runs_are_listed_with_their_signatures_and_found_by_their_dag_run(reported: Settings) -> None:
    report_run(reported, run_id="20260103T030405000000Z-4567abcd", exposed=[], verdicts=[])
    sign(reported, RUN, shown(reported), "approved", "A. Auditor", "")
    newest, older = latest_runs(reported)
    assert (newest.run_id, newest.signature) == ("20260103T030405000000Z-4567abcd", None)
    assert older == run_of(reported, RUN)
    assert older.signature
    assert latest_runs(reported, before=newest.run_id) == [older]
    assert latest_runs(reported, before=RUN) == []
    assert run_told_by(reported, "build_gold/manual__1") == RUN
    assert run_told_by(reported, DAG_RUN) == RUN
    assert run_told_by(reported, "extract_clinic/scheduled__2") is None


def test_the_command_signs_and_refuses(reported: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in reported.environment().items():
        monkeypatch.setenv(variable, value)
    arguments = ["quality", "sign", RUN, "--name", "A. Auditor"]
    ended = CliRunner().invoke(app, [*arguments, "--approve", "--remark", "seen"])
    assert ended.exit_code == 0, ended.output
    assert f"Run {RUN} approved by A. Auditor" in ended.output
    assert shown(reported) in ended.output
    ended = CliRunner().invoke(app, [*arguments, "--approve", "--sha256", "0" * 64])
    assert "has another SHA-256" in str(ended.exception)
    assert CliRunner().invoke(app, arguments).exit_code == 2
    assert [row[2:] for row in signoffs(reported)] == [("approved", "A. Auditor", "seen")]
