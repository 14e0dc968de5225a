"""Word to people when a check or a run has failed: by log, e-mail and webhook, without a value of the data."""

from wardlake.alerts.mutes import check_mutes
from wardlake.alerts.send import alert_failure, alert_verdicts, failures_alerted

__all__ = ["alert_failure", "alert_verdicts", "check_mutes", "failures_alerted"]
