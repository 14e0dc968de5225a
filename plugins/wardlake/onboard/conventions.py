"""Conventions of a sample of text: separators of numbers, texts that stand for no value, totals rows.

What is found is applied to the sample, so that it looks as the rows will look in bronze.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from wardlake.onboard.found import double, quoted

NEVER_VALUES = ("\\N", "NULL", "(null)", "#N/A", "<null>")
"""Texts that nobody means as a value."""

SOMETIMES_VALUES = (
    "NA",
    "N/A",
    "n/a",
    "null",
    "None",
    "none",
    "NaN",
    "nan",
    "-",
    "--",
    ".",
    "?",
    "*",
    "unknown",
    "UNK",
)
"""Texts that stand for no value in a column whose other values are all numbers or dates."""

TOTALS = "(?i)" + "|".join(
    (
        "(grand |sub)?totals?|sum",
        "summe|gesamt(summe)?|insgesamt|zwischensumme",
        "suma|total (general|g[eé]n[eé]ral)|somme",
    )
)

CONVENTIONS = [
    (".", ","), (",", "."), (",", " "), (",", "\u00a0"), (",", "\u202f"), (".", " "), (".", "'"), (".", "\u00a0"),
]  # fmt: skip
"""Decimal and thousands separators. The model of the YAML knows no others."""

PLAIN_NUMBER = r"[+-]?\d+(\.\d+)?"
NUMBER_LIKE = r"[+-]?[\d.,' \x{00a0}\x{202f}]*\d"
DATE_LIKE = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?"


@dataclass
class Settled:
    """What the YAML says of the conventions, and what to look at."""

    spec: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def settle(
    engine: duckdb.DuckDBPyConnection, sample: str, names: Sequence[str], files: int, *, prefers_comma: bool = False
) -> Settled:
    """Find the conventions of a sample, and apply them to it.

    `files` is how many files it comes from: each may have a totals row. `prefers_comma` decides what 1,234 means where
    nothing else does.
    """
    settled = Settled()
    _settle_totals(engine, sample, names, files, settled)
    _settle_nulls(engine, sample, names, settled)
    _settle_numbers(engine, sample, names, settled, prefers_comma=prefers_comma)
    return settled


def _settle_totals(
    engine: duckdb.DuckDBPyConnection, sample: str, names: Sequence[str], files: int, settled: Settled
) -> None:
    for name in names:
        found = engine.execute(
            f"SELECT {double(name)}, count(*) FROM {double(sample)} "
            f"WHERE regexp_full_match(trim({double(name)}, ' :'), {quoted(TOTALS)}) GROUP BY ALL"
        ).fetchall()
        if len(found) == 1 and found[0][1] <= files:
            text = found[0][0]
            settled.spec["totals"] = {name: text}
            engine.execute(f"DELETE FROM {double(sample)} WHERE {double(name)} = {quoted(text)}")
            settled.notes.append(f"rows with '{text}' in {name} are taken for totals rows and left out")
            return


def _settle_nulls(engine: duckdb.DuckDBPyConnection, sample: str, names: Sequence[str], settled: Settled) -> None:
    listed = ", ".join(map(quoted, NEVER_VALUES + SOMETIMES_VALUES))
    texts: dict[str, None] = {}
    for name in names:
        column = double(name)
        present = [
            text
            for (text,) in engine.execute(
                f"SELECT DISTINCT {column} FROM {double(sample)} WHERE {column} IN ({listed}) ORDER BY ALL"
            ).fetchall()
        ]
        if not present:
            continue
        others, plain = engine.execute(
            f"""
            SELECT count(*), count(*) FILTER (regexp_full_match({column}, {quoted(f"{NUMBER_LIKE}|{DATE_LIKE}")}))
            FROM {double(sample)} WHERE {column} NOT IN ({listed})
            """
        ).fetchall()[0]
        is_typed = others > 0 and others == plain
        texts |= dict.fromkeys(text for text in present if is_typed or text in NEVER_VALUES)
    if texts:
        settled.spec["null_text"] = list(texts)
        settled.notes.append(f"taken for no value, in every column: {', '.join(texts)}")
        for name in names:
            engine.execute(
                f"UPDATE {double(sample)} SET {double(name)} = NULL "
                f"WHERE {double(name)} IN ({', '.join(map(quoted, texts))})"
            )


def _settle_numbers(
    engine: duckdb.DuckDBPyConnection,
    sample: str,
    names: Sequence[str],
    settled: Settled,
    *,
    prefers_comma: bool,
) -> None:
    written = [name for name in names if not _all_match(engine, sample, name, PLAIN_NUMBER)]
    fitting = {
        convention: [name for name in written if _all_match(engine, sample, name, _number(*convention))]
        for convention in CONVENTIONS
    }
    # the first of equals wins: 1,234 alone is a thousand, unless the delimiter says that commas are decimal
    order = sorted(CONVENTIONS, key=lambda one: -len(fitting[one]))
    best = order[0]
    if prefers_comma and len(fitting[",", "."]) == len(fitting[best]):
        best = (",", ".")
    if not fitting[best]:
        return
    decimal, thousands = best
    numbers = [
        name
        for name in names
        if name in fitting[best]
        # where commas are decimal, 1.234 is a thousand although it looks plain
        or (_has(engine, sample, name, thousands) and _all_match(engine, sample, name, _number(*best)))
    ]
    if decimal != ".":
        settled.spec["decimal"] = decimal
    if any(_has(engine, sample, name, thousands) for name in numbers):
        settled.spec["thousands"] = thousands
    settled.spec["numbers"] = numbers
    for name in numbers:
        column = double(name)
        bare = f"replace({column}, {quoted(thousands)}, '')"
        engine.execute(f"UPDATE {double(sample)} SET {column} = replace({bare}, {quoted(decimal)}, '.')")


def _number(decimal: str, thousands: str) -> str:
    point, group = re.escape(decimal), re.escape(thousands)
    return rf"[+-]?(\d+|\d{{1,3}}({group}\d{{3}})+)({point}\d+)?"


def _all_match(engine: duckdb.DuckDBPyConnection, sample: str, name: str, pattern: str) -> bool:
    filled, matching = engine.execute(
        f"SELECT count({double(name)}), count(*) FILTER (regexp_full_match(trim({double(name)}), {quoted(pattern)})) "
        f"FROM {double(sample)}"
    ).fetchall()[0]
    return bool(filled) and filled == matching


def _has(engine: duckdb.DuckDBPyConnection, sample: str, name: str, separator: str) -> bool:
    return bool(
        engine.execute(
            f"SELECT count(*) FROM {double(sample)} WHERE contains({double(name)}, {quoted(separator)})"
        ).fetchall()[0][0]
    )
