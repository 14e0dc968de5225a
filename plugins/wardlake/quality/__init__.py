"""Every batch judged by its suite, row by row where it matters, and no value of a row kept."""

from wardlake.quality.check import check_suites
from wardlake.quality.freshness import judge_freshness
from wardlake.quality.judge import judge_gold, judge_source
from wardlake.quality.pages import renew_index
from wardlake.quality.report import report_run
from wardlake.quality.runs import sources_to_sign
from wardlake.quality.signing import refuse_unsigned, sign, state_of
from wardlake.quality.suites import Suite, suite_for
from wardlake.quality.verdicts import REFUSED, RuleResult, Verdict, last_verdicts, verdict_of

__all__ = [
    "REFUSED",
    "RuleResult",
    "Suite",
    "Verdict",
    "check_suites",
    "judge_freshness",
    "judge_gold",
    "judge_source",
    "last_verdicts",
    "refuse_unsigned",
    "renew_index",
    "report_run",
    "sign",
    "sources_to_sign",
    "state_of",
    "suite_for",
    "verdict_of",
]
