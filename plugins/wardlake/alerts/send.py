"""When an alert is sent, and what it says."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from wardlake.alerts.channels import Alert, alerts_log, send
from wardlake.alerts.findings import Finding, findings_of
from wardlake.alerts.mutes import FILE, read_mutes
from wardlake.errors import WardlakeError
from wardlake.plural import counted
from wardlake.quality.refusal import Refused
from wardlake.quality.verdicts import Verdict
from wardlake.settings import Settings

log = logging.getLogger(__name__)


def alert_verdicts(settings: Settings, verdicts: Sequence[Verdict], report: Path) -> None:
    """Tell which rules failed, of the verdicts in a report; nothing is sent if none did, or if all of them are muted.

    It never fails: what goes wrong is logged.
    """
    with _never_failing():
        if told := _unmuted(settings, verdicts, report):
            lines = [f"WARDLAKE ALERT {_subject(told)}.", *(finding.told for finding in told)]
            send(settings, _alert(settings, _subject(told), lines, told, report))


def alert_failure(settings: Settings, place: str, error: BaseException | str | None, refused: Refused | None) -> None:
    """Tell that something failed, and which rules, if it was refused for its quality. It never fails itself.

    Nothing is sent if all of these rules are muted.
    """
    first = f"WARDLAKE FAILED {place}: {error}"
    with _never_failing():
        if refused is None:
            send(settings, _alert(settings, f"failed: {place}", [first], [], None))
        elif told := _unmuted(settings, refused.verdicts, refused.report):
            lines = [first, *(finding.told for finding in told)]
            send(settings, _alert(settings, _subject(told), lines, told, refused.report))
        else:
            alerts_log.warning("%s (muted in expectations/%s)", first, FILE)


@contextmanager
def failures_alerted(settings: Settings, place: str) -> Iterator[None]:
    """Tell of an error that leaves the block, and let it go on."""
    try:
        yield
    except WardlakeError as error:
        alert_failure(settings, place, error, getattr(error, "refused", None))
        raise


@contextmanager
def _never_failing() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  an alert never ends a run
        log.error("WARDLAKE ALERT NOT SENT: %s.", error if isinstance(error, WardlakeError) else type(error).__name__)


def _unmuted(settings: Settings, verdicts: Sequence[Verdict], report: Path) -> list[Finding]:
    mutes, problems = read_mutes(settings)
    if problems:
        log.error("Nothing is muted, as expectations/%s cannot be read: %s.", FILE, "; ".join(problems))
    today = datetime.now(UTC).date()
    in_force = [mute for mute in mutes if mute.is_in_force(today)]
    found = findings_of(settings, verdicts, report)
    return [finding for finding in found if not any(mute.covers(finding) for mute in in_force)]


def _subject(findings: Sequence[Finding]) -> str:
    tables = list(dict.fromkeys(f"{finding.source}.{finding.table}" for finding in findings))
    more = f" and {counted(len(tables) - 1, 'other table')}" if len(tables) > 1 else ""
    return f"{counted(len(findings), 'rule')} failed in {tables[0]}{more}"


def _alert(
    settings: Settings, subject: str, lines: Sequence[str], findings: list[Finding], report: Path | None
) -> Alert:
    address = _address(settings, report) if report else None
    text = "\n".join([*lines, *([f"Report: {address}"] if address else [])])
    return Alert(f"Wardlake: {subject}", text, findings, address)


def _address(settings: Settings, report: Path) -> str:
    return f"{settings.reports_url.rstrip('/')}/{report.stem}" if settings.reports_url else str(report)
