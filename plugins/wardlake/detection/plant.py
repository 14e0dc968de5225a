"""One defect planted into a copy of its table, judged as a batch is judged, and taken out again."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from wardlake.detection.catalogue import Defect
from wardlake.detection.hospital import CHANGED, CLEAN, show
from wardlake.quality.batch import JUDGED
from wardlake.quality.engine import evaluate
from wardlake.quality.outcome import result_of
from wardlake.quality.rows import write_rows
from wardlake.quality.suites import Rule, Suite
from wardlake.sql import as_name

Found = set[tuple[str, int | None]]
"""Rules that are not passed, each with the id of a row that it names, or None if it names no row."""


@dataclass(frozen=True)
class Finding:
    """Whether the intended rule names the intended rows, all of them and no other; what else was said without cause."""

    is_found: bool
    false: list[str]


def plant(connection: duckdb.DuckDBPyConnection, suites: Mapping[str, Suite], defect: Defect) -> Finding:
    """Plant a defect, judge what it can have touched, and restore the clean table.

    `suites` are those of the defect's source, by table. An open connection of `clean_hospital` is needed.
    """
    try:
        _change(connection, defect)
        wanted = _wanted(connection, defect)
        found: Found = set()
        for table, suite in suites.items():
            rules = [rule for rule in suite.rules if table == defect.table or _reads(rule, defect.table)]
            found |= judge(connection, table, rules)
    finally:
        show(connection, CLEAN, defect.table)
    return compare(defect.rule, defect.also, wanted, found)


def compare(rule: str, also: Sequence[str], wanted: set[int | None], found: Found) -> Finding:
    """Whether a rule found what it had to find, and what else was found.

    What `also` lists must speak as well, so that nobody lists what is long mended.
    """
    intended = {(rule, row) for row in wanted}
    unasked = sorted({(name, row) for name, row in found - intended if name not in also}, key=str)
    false = [f"{name} at row {row}" if row else name for name, row in unasked]
    silent = [f"{name} says nothing" for name in also if name not in {name for name, _ in found}]
    return Finding(bool(wanted) and intended <= found, false + silent)


def judge(connection: duckdb.DuckDBPyConnection, table: str, rules: Sequence[Rule]) -> Found:
    """What rules say about the rows that the table has now."""
    if not rules:
        return set()
    connection.execute(f"CREATE OR REPLACE VIEW {JUDGED} AS FROM {as_name(table)}")
    with tempfile.TemporaryDirectory(prefix="wardlake-detection-") as folder:
        path = Path(folder) / "verdicts.parquet"
        outcomes = write_rows(connection, rules, evaluate(connection, JUDGED, rules), path).outcomes
        named = connection.execute(f"SELECT rule_id, _row_id FROM '{path}'").fetchall() if path.exists() else []
    results = [result_of(rule.meta, outcome) for rule, outcome in zip(rules, outcomes, strict=True)]
    not_passed = {result.rule_id for result in results if result.status != "passed"}
    found: Found = {(rule, row) for rule, row in named if rule in not_passed}
    return found | {(rule, None) for rule in not_passed - {rule for rule, _ in named}}


def _reads(rule: Rule, table: str) -> bool:
    return rule.is_query and re.search(rf"\b{table}\b", str(rule.kwargs["unexpected_rows_query"])) is not None


def _change(connection: duckdb.DuckDBPyConnection, defect: Defect) -> None:
    table = as_name(defect.table)
    changed = f"{CHANGED}.{table}"
    connection.execute(f"CREATE OR REPLACE TABLE {changed} AS FROM {CLEAN}.{table}")
    limit = "" if defect.rows == "all" else f"LIMIT {defect.rows}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE picked AS "
        f"SELECT _row_id FROM {table} AS t WHERE {defect.pick} ORDER BY _row_id {limit}"
    )
    is_picked = "_row_id IN (SELECT _row_id FROM picked)"
    if defect.set is not None:
        values = ", ".join(f"{as_name(column)} = {value}" for column, value in defect.set.items())
        connection.execute(f"UPDATE {changed} AS t SET {values} WHERE {is_picked}")
    elif defect.copy_with is not None:
        values = "".join(f", {value} AS {as_name(column)}" for column, value in defect.copy_with.items())
        new = f"(SELECT max(_row_id) FROM {changed}) + row_number() OVER (ORDER BY _row_id)"
        connection.execute(
            f"INSERT INTO {changed} SELECT * REPLACE ({new} AS _row_id{values}) FROM {changed} AS t WHERE {is_picked}"
        )
    elif defect.delete:
        connection.execute(f"DELETE FROM {changed} WHERE {is_picked}")
    else:
        connection.execute(str(defect.sql).replace("{table}", changed))
    show(connection, CHANGED, defect.table)


def _wanted(connection: duckdb.DuckDBPyConnection, defect: Defect) -> set[int | None]:
    if defect.whole_table:
        return {None}
    added = f"_row_id > (SELECT max(_row_id) FROM {CLEAN}.{as_name(defect.table)})"
    where = defect.at or (added if defect.copy_with is not None else "_row_id IN (SELECT _row_id FROM picked)")
    found = connection.execute(f"SELECT _row_id FROM {as_name(defect.judged)} AS t WHERE {where}").fetchall()
    return {row for (row,) in found}
