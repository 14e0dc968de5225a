"""Whether a column has moved away from the last accepted batches: what one batch by itself cannot show.

The population stability index is that of N. Siddiqi, Credit Risk Scorecards (2006): below 0.1 nothing has moved, above
0.25 the population is another one. A difference of means is told in standard deviations, as J. Cohen, Statistical Power
Analysis for the Behavioral Sciences (1988), does: 0.2 is small, 0.5 medium, 0.8 large.
"""

from collections.abc import Mapping, Sequence
from math import log

from wardlake.plural import counted
from wardlake.quality.figures import LEAST_ROWS, Figures
from wardlake.quality.meta import DriftRule, Measure
from wardlake.quality.outcome import Measured, result_of_measured
from wardlake.quality.verdicts import RuleResult
from wardlake.sources import Table
from wardlake.sources.tables import PiiClass

LEAST_SHARE = 0.0001
"""Stands for a code that did not occur: the index of 0 would be infinite."""
TOLD_SHARE = 0.01
"""Rarer codes are compared as one: among many codes some rare ones always come and go."""
UNITS: dict[Measure, str] = {
    "shares": "population stability index",
    "mean": "standard deviations",
    "null_share": "percentage points",
}


NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UINTEGER",
    "UBIGINT",
    "DECIMAL",
    "FLOAT",
    "REAL",
    "DOUBLE",
    "VARCHAR",
)
"""Types that have a mean; text may hold numbers."""
MEASURED: dict[Measure, tuple[PiiClass, ...]] = {"shares": ("none",), "mean": ("none", "quasi", "health")}
"""Classes of columns whose figures may be kept: a share is kept with its code, which is a value."""


def refusal(rule: DriftRule, table: Table) -> str | None:
    """Why a rule cannot be used on a table; None if it can."""
    if rule.column not in table.columns:
        return f"the table has no column '{rule.column}'"
    type_, pii = table.columns[rule.column].type.upper(), table.columns[rule.column].pii
    if rule.measure == "mean" and not type_.startswith(NUMBERS):
        return f"'{rule.column}' is of type {type_}, which has no mean"
    if rule.measure in MEASURED and pii not in MEASURED[rule.measure]:
        return f"'{rule.measure}' would keep figures of '{rule.column}', which is classed {pii}; take null_share"
    return None


def judge_drift(
    table: Table, rules: Sequence[DriftRule], now: Mapping[str, Figures], past: Sequence[Mapping[str, Figures]]
) -> list[RuleResult]:
    """Results of the rules, by the figures of this batch and those of the accepted batches before it, newest first."""
    results = []
    for rule in rules:
        if told := refusal(rule, table):
            results.append(result_of_measured(rule, rule.threshold, Measured(None, told, is_error=True)))
            continue
        before = [figures[rule.column] for figures in past[: rule.batches] if rule.column in figures]
        value = _distance(rule.measure, now[rule.column], before) if rule.column in now else None
        if value is None:
            told = f"fewer than {LEAST_ROWS} rows to compare, in this batch or in those before"
        else:
            told = (
                f"{value:.3g} {UNITS[rule.measure]} away from {counted(len(before), 'batch')} before, "
                f"{rule.threshold:g} allowed"
            )
        results.append(result_of_measured(rule, rule.threshold, Measured(value, told)))
    return results


def _distance(measure: Measure, now: Figures, before: Sequence[Figures]) -> float | None:
    """How far a column has moved; None if one side has too few rows."""
    if measure == "null_share":
        return _of_gaps(now, before)
    return _of_means(now, before) if measure == "mean" else _of_shares(now, before)


def _of_gaps(now: Figures, before: Sequence[Figures]) -> float | None:
    rows = sum(figures.rows for figures in before)
    if min(now.rows, rows) < LEAST_ROWS:
        return None
    share = sum(figures.rows - figures.filled for figures in before) / rows
    return 100 * abs((now.rows - now.filled) / now.rows - share)


def _of_means(now: Figures, before: Sequence[Figures]) -> float | None:
    known = [(one.numbers, one.mean, one.spread) for one in before if one.mean is not None and one.spread is not None]
    if now.mean is None or not known:
        return None
    numbers = sum(number for number, _, _ in known)
    mean = sum(number * mean for number, mean, _ in known) / numbers
    variance = sum(number * (spread**2 + (own - mean) ** 2) for number, own, spread in known) / numbers
    return abs(now.mean - mean) / (variance**0.5 or abs(mean) or 1)


def _of_shares(now: Figures, before: Sequence[Figures]) -> float | None:
    known = [(figures.filled, figures.shares) for figures in before if figures.shares is not None]
    if now.shares is None or not known:
        return None
    filled = sum(number for number, _ in known)
    former: dict[str, float] = {}
    for number, shares in known:
        for code, share in shares.items():
            former[code] = former.get(code, 0) + share * number / filled
    told = [code for code in former | now.shares if max(former.get(code, 0), now.shares.get(code, 0)) >= TOLD_SHARE]
    pairs = [(now.shares.get(code, 0.0), former.get(code, 0.0)) for code in told]
    pairs.append((1 - sum(one for one, _ in pairs), 1 - sum(other for _, other in pairs)))
    floored = [(max(one, LEAST_SHARE), max(other, LEAST_SHARE)) for one, other in pairs]
    return sum((one - other) * log(one / other) for one, other in floored)
