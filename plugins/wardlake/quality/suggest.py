"""`wardlake quality suggest`: a first suite from what held in a batch. No value of a classed column stands in it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from wardlake.bronze import Manifest, current_batches, current_query, rows_query
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.onboard.add import refuse_existing
from wardlake.onboard.classes import Suggestion
from wardlake.onboard.found import FoundColumn, FoundTable
from wardlake.onboard.keys import SuggestedKeys
from wardlake.onboard.profile import LEAST_ROWS, Profile, profile
from wardlake.onboard.suites import Judged, Rule, rule_meta, suite_json
from wardlake.quality.drift import MEASURED
from wardlake.quality.suites import suite_path
from wardlake.settings import Settings
from wardlake.sources import Source, load_sources
from wardlake.sql import as_name
from wardlake.warehouse.connection import connect, translate

PROFILED = "_profiled"


@dataclass(frozen=True)
class SuggestedSuite:
    """The text of a suite, and the batch that it was made from."""

    source: str
    table: str
    batch_id: str
    text: str

    @property
    def rules(self) -> int:
        """Number of rules."""
        content = json.loads(self.text)
        return len(content["expectations"]) + len(content["meta"].get("drift", []))


def suggest_suite(settings: Settings, name: str, batch_id: str | None = None) -> SuggestedSuite:
    """Profile a batch of `<source>.<table>` where it lies.

    Raises:
        PermanentError: there is no such table or batch, or the batch cannot be read.
        PassingError: the store did not answer.
    """
    source, table = _table(settings, name)
    current = {each: current_batches(settings, Lake(settings), source, each) for each in source.tables}
    manifest = _batch(name, current[table], batch_id)
    try:
        with connect(settings) as engine:
            for other, manifests in current.items():
                if manifests:
                    query = current_query(settings, source.tables[other], manifests)
                    engine.execute(f'CREATE VIEW "{other}" AS {query}')
            engine.execute(f"CREATE VIEW {PROFILED} AS {rows_query(settings, source.tables[table], [manifest])}")
            judged = _judge(engine, source, table)
            text = suite_json(
                engine,
                source.name,
                source.owner,
                judged,
                seen_in=f"batch {manifest.batch_id}",
                more=_references(engine, source, judged, [each for each, found in current.items() if found]),
                drift=_drift(judged),
            )
    except duckdb.Error as error:
        raise translate(error, f"Batch {manifest.batch_id} of {name}") from None  # its text may hold values
    return SuggestedSuite(source.name, table, manifest.batch_id, text)


def write_suite(settings: Settings, suggestion: SuggestedSuite, *, force: bool) -> Path:
    """Write the suite; returns its path.

    Raises:
        PermanentError: there is one already, and `force` is not given.
    """
    path = suite_path(settings, suggestion.source, suggestion.table)
    if not force:
        refuse_existing(settings, [path])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(suggestion.text, encoding="utf-8")
    return path


def _table(settings: Settings, name: str) -> tuple[Source, str]:
    sources = load_sources(settings)
    source, _, table = name.partition(".")
    if source not in sources or table not in sources[source].tables:
        raise PermanentError(
            f"No YAML in dags/sources describes {name}.", remedy="Name <source>.<table>; 'wardlake status' lists them."
        )
    return sources[source], table


def _batch(name: str, current: list[Manifest], batch_id: str | None) -> Manifest:
    found = [manifest for manifest in current if batch_id in (None, manifest.batch_id)]
    if not found:
        told = f"no batch {batch_id} that counts" if batch_id else "no batch yet"
        raise PermanentError(f"{name} has {told}.", remedy="Extract the table first; 'wardlake status' shows batches.")
    return found[-1]


def _judge(engine: duckdb.DuckDBPyConnection, source: Source, table: str) -> Judged:
    spec = source.tables[table]
    columns = tuple(FoundColumn(name, column.type.upper()) for name, column in spec.columns.items())
    found = FoundTable(table, spec.description, {}, columns, PROFILED, tuple(spec.keys))
    profiles = {column.name: profile(engine, PROFILED, column) for column in columns}
    classes = {name: Suggestion(column.pii, "as the YAML says") for name, column in spec.columns.items()}
    listed = ", ".join(map(as_name, spec.keys))
    complete = " AND ".join(f"{as_name(key)} IS NOT NULL" for key in spec.keys)
    rows, distinct = engine.execute(
        f"SELECT count(*), count(DISTINCT ({listed})) FILTER ({complete}) FROM {PROFILED}"
    ).fetchall()[0]
    keys = SuggestedKeys(tuple(spec.keys), is_declared=True, surplus_rows=rows - distinct)
    return Judged(found, profiles, classes, keys)


def _references(engine: duckdb.DuckDBPyConnection, source: Source, judged: Judged, tables: list[str]) -> Iterator[Rule]:
    """Columns named like the only key of another table, and of its type, of which every value is there."""
    for other in tables:
        key, *rest = source.tables[other].keys
        type_ = source.tables[other].columns[key].type.upper()
        for column in judged.table.columns:
            is_alike = column.type == type_ and (column.name == key or column.name.endswith(f"_{key}"))
            if rest or other == judged.table.name or not is_alike or judged.profiles[column.name].filled < LEAST_ROWS:
                continue
            orphans = (
                f"SELECT b._row_id FROM {{batch}} AS b WHERE b.{_escaped(column.name)} IS NOT NULL AND "
                f"b.{_escaped(column.name)} NOT IN "
                f'(SELECT {_escaped(key)} FROM "{other}" WHERE {_escaped(key)} IS NOT NULL)'
            )
            if not engine.execute(f"SELECT EXISTS ({orphans.format(batch=PROFILED)})").fetchall()[0][0]:
                yield (
                    "unexpected_rows_expectation",
                    {"unexpected_rows_query": orphans},
                    f"{column.name}_unknown_in_{other}",
                    rule_meta("consistency", "warn", f"Every {column.name} was one of {other}; another is of nothing."),
                )


def _escaped(name: str) -> str:
    """A name as it stands in a rule's query, where braces mark the batch."""
    return as_name(name).replace("{", "{{").replace("}", "}}")


def _drift(judged: Judged) -> Iterator[tuple[str, dict[str, Any]]]:
    """What later batches are compared by: shares of codes, means of numbers, gaps."""
    for column in judged.table.columns:
        figures, pii = judged.profiles[column.name], judged.classes[column.name].pii
        if figures.rows < LEAST_ROWS or column.name in judged.keys.columns:
            continue
        if figures.is_code_list and pii in MEASURED["shares"]:
            yield _drift_rule(column.name, "shares", 0.25, "Siddiqi (2006): above 0.25 it is another population.")
        elif _is_measure(column, figures) and pii in MEASURED["mean"]:
            yield _drift_rule(column.name, "mean", 0.5, "Cohen (1988): half a standard deviation is a medium effect.")
        if 0 < figures.filled < figures.rows:
            yield _drift_rule(column.name, "null_share", 10, "Ten points more or fewer gaps: a form has changed.")


def _is_measure(column: FoundColumn, figures: Profile) -> bool:
    return figures.is_number and not column.is_moment and column.type != "BOOLEAN"


def _drift_rule(column: str, measure: str, threshold: float, threshold_why: str) -> tuple[str, dict[str, Any]]:
    dimension = "completeness" if measure == "null_share" else "plausibility"
    meta = rule_meta(dimension, "warn", f"{column} moves slowly; a jump is a change at the source.", threshold_why)
    del meta["threshold_pct"]
    moved = {"column": column, "measure": measure, "threshold": threshold, "batches": 7}
    return f"{column}_{measure}_moved", {**meta, **moved}
