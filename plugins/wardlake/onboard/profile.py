"""Figures of a column's sample, from which class, key and expectations are guessed. No value leaves DuckDB here."""

from dataclasses import dataclass

import duckdb

from wardlake.onboard.found import FoundColumn
from wardlake.sql import as_name, as_text

LEAST_ROWS = 50
"""Below, that a column has no gaps, few values or no value twice says little."""

NUMBER = r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?"
PADDED = r"0\d+"
EMAIL = r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"
PHONE = r"(\+\d|\(?0|\d-\d{3}|\(?\d{3}[) -])[\d ()/.-]{6,20}"
UUID = r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
PERSON_NUMBER = "|".join(
    (
        r"\d{3}-\d{2}-\d{4}",
        r"\d{3} \d{3} \d{4}",
        r"[A-Z]\d{9}",
        r"\d{8}[A-Z]|[XYZ]\d{7}[A-Z]",
        r"[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3}( ?\d{2})?",
    )
)
"""US social security, NHS with blanks, German insurance, Spanish identity, French social security."""

DATE_FORMATS = [
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z",
    "%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S",
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d-%m-%Y", "%d-%b-%Y", "%d %b %Y", "%Y%m%d", "%Y/%m/%d",
]  # fmt: skip
YEARS = (1850, 2250)
"""A date outside is a number that happens to look like one; MIMIC shifts its dates up to 2200."""


@dataclass(frozen=True)
class Profile:
    """Figures of a column. Shares are of the filled rows, from 0 to 1; `years` is the span of its dates."""

    rows: int
    filled: int
    distinct: int
    numbers: float
    fractions: float
    padded: float
    dates: float
    with_time: float
    years: float
    emails: float
    phones: float
    person_numbers: float
    uuids: float
    spaced: float
    mean_words: float
    longest: int

    @property
    def is_number(self) -> bool:
        """Whether practically all values are numbers, and not codes with leading zeros."""
        return self.numbers > 0.95 and self.padded == 0

    @property
    def is_date(self) -> bool:
        """Whether practically all values are dates or times."""
        return self.dates > 0.95

    @property
    def is_code_list(self) -> bool:
        """Whether few short values come again and again."""
        return 0 < self.distinct <= 20 and self.filled >= 5 * self.distinct and self.longest <= 40

    @property
    def distinct_share(self) -> float:
        """Distinct values by filled rows: 1 if none comes twice."""
        return self.distinct / self.filled if self.filled else 0.0


def profile(engine: duckdb.DuckDBPyConnection, sample: str, column: FoundColumn) -> Profile:
    """Figures of one column of a sample."""
    value, formats = as_name(column.name), ", ".join(map(as_text, DATE_FORMATS))
    moment = "CAST(value AS TIMESTAMP)" if column.is_moment else f"try_strptime(t, [{formats}])"
    figures = engine.execute(
        f"""
        WITH texts AS (
            SELECT {value} AS value, nullif(trim(CAST({value} AS VARCHAR)), '') AS t FROM {as_name(sample)}
        ),
        dated AS (SELECT t, {moment} AS d, regexp_full_match(t, {as_text(NUMBER)}) AS is_number FROM texts),
        real AS (
            SELECT * REPLACE (CASE WHEN year(d) BETWEEN {YEARS[0]} AND {YEARS[1]} THEN d END AS d) FROM dated
        )
        SELECT
            count(*), count(t), count(DISTINCT t),
            {_share("is_number")},
            {_share("is_number AND contains(t, '.')")},
            {_share(f"regexp_full_match(t, {as_text(PADDED)})")},
            {_share("d IS NOT NULL")},
            {_share("d IS NOT NULL AND d <> date_trunc('day', d)")},
            coalesce(date_diff('day', min(d), max(d)) / 365.25, 0),
            {_share(f"regexp_full_match(t, {as_text(EMAIL)})")},
            {_share(f"d IS NULL AND NOT is_number AND regexp_full_match(t, {as_text(PHONE)})")},
            {_share(f"regexp_full_match(t, {as_text(PERSON_NUMBER)})")},
            {_share(f"regexp_full_match(t, {as_text(UUID)})")},
            {_share("contains(t, ' ')")},
            coalesce(avg(1 + length(t) - length(replace(t, ' ', ''))), 0),
            coalesce(max(length(t)), 0)
        FROM real
        """
    ).fetchall()[0]
    return Profile(*figures)


def _share(condition: str) -> str:
    return f"coalesce(count(*) FILTER ({condition}) / nullif(count(t), 0), 0)"
