"""Ways on which an alert goes out: the log always, e-mail and a webhook if the settings name them."""

import json
import logging
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from wardlake.alerts.findings import Finding
from wardlake.settings import Settings

TIMEOUT_S = 10

alerts_log = logging.getLogger("wardlake.alert")
"""Where every alert is told; what is wrong with the ways themselves goes to the log of the module."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Alert:
    """What is told: a line, a text, what failed, and where the report is."""

    subject: str
    text: str
    findings: list[Finding]
    report: str | None


def send(settings: Settings, alert: Alert) -> None:
    """Send an alert on every way; one that fails is logged and does not keep the others from being tried."""
    alerts_log.error("%s", " ".join(alert.text.split()))
    ways: dict[str, Callable[[Settings, Alert], None]] = {}
    if settings.alert_email and settings.alert_smtp_uri:
        ways["e-mail"] = _send_email
    if settings.alert_webhook:
        ways["webhook"] = _post
    for way, go in ways.items():
        try:
            go(settings, alert)
        except Exception as error:  # noqa: BLE001  whatever happens to an alert, the run goes on
            # its text may hold an address with a password
            log.error("WARDLAKE ALERT NOT SENT by %s: %s.", way, type(error).__name__)


def _send_email(settings: Settings, alert: Alert) -> None:
    assert settings.alert_smtp_uri  # noqa: S101  asked before
    server = urlsplit(settings.alert_smtp_uri.get_secret_value())
    message = EmailMessage()
    message["Subject"], message["From"] = alert.subject, settings.alert_email_from
    message["To"] = ", ".join(settings.alert_email)
    message.set_content(alert.text)
    host, is_encrypted, context = server.hostname or "", server.scheme == "smtps", ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(host, server.port or 465, timeout=TIMEOUT_S, context=context)
        if is_encrypted
        else smtplib.SMTP(host, server.port or 587, timeout=TIMEOUT_S)
    ) as connection:
        connection.ehlo()
        if not is_encrypted and connection.has_extn("starttls"):
            connection.starttls(context=context)
            is_encrypted = True
        if server.username:
            if not is_encrypted:
                raise UnencryptedError
            connection.login(unquote(server.username), unquote(server.password or ""))
        connection.send_message(message)


class UnencryptedError(Exception):
    """The mail server would have been told the password in the clear."""


def _post(settings: Settings, alert: Alert) -> None:
    """Post the alert as JSON; `text` is what chat servers show. No client that logs addresses: this one is a secret."""
    assert settings.alert_webhook  # noqa: S101  asked before
    content = {
        "text": alert.text,
        "subject": alert.subject,
        "report": alert.report,
        "findings": [asdict(finding) for finding in alert.findings],
    }
    request = Request(  # noqa: S310  the settings take http and https only
        settings.alert_webhook.get_secret_value(),
        data=json.dumps(content).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
        pass
