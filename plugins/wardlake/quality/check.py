"""Every problem of all suites in one pass, found on empty tables, without reading data."""

from pathlib import Path

import duckdb
import yaml

from wardlake.quality.contradictions import contradictions
from wardlake.quality.drift import refusal
from wardlake.quality.suites import GOLD, Rule, Suite, read_suite, suite_path
from wardlake.settings import Settings
from wardlake.sources import Source, Table
from wardlake.sql import as_name

ROWLESS_PREFIXES = ("expect_table_", "expect_column_to_exist", "expect_column_distinct_", "expect_column_proportion_")
LINEAGE = {"_row_id": "BIGINT", "_batch_id": "VARCHAR", "_source": "VARCHAR", "_extracted_at": "TIMESTAMPTZ"}
FILE_LINEAGE = {"_file": "VARCHAR", "_line": "BIGINT"}
FILES = {"name": "VARCHAR", "sha256": "VARCHAR", "rows": "BIGINT", "byte_order_mark": "BOOLEAN"}

Columns = dict[str, str]
"""Type by name of a table's columns."""


def check_suites(settings: Settings, sources: list[Source]) -> list[str]:
    """One line for each problem: of the JSON, the meta, the expectations, the columns, and of tables without suite."""
    problems = [
        f"{source.name}.{table} has no suite and is judged by its keys alone: "
        f"write expectations/{source.name}/{table}.json."
        for source in sources
        for table in source.tables
        if not suite_path(settings, source.name, table).exists()
    ]
    if not any((settings.suites_dir / GOLD).glob("*.json")):
        problems.append("expectations/gold holds no suite: the gate of publishing would have nothing to read.")
    known = {source.name: _source_tables(source) for source in sources}
    known[GOLD] = {**_models(settings, "silver"), **_models(settings, GOLD)}
    tables_of = {(source.name, name): table for source in sources for name, table in source.tables.items()}
    ids: dict[str, str] = {}
    for folder in sorted(path for path in settings.suites_dir.glob("*") if path.is_dir()):
        tables = known.get(folder.name, {})
        with duckdb.connect() as connection:
            problems += _create_empty(connection, folder.name, tables)
            for path in sorted(folder.glob("*.json")):
                place = f"expectations/{folder.name}/{path.name}"
                described = tables_of.get((folder.name, path.stem))
                found = _check_file(path, tables, described, connection, ids)
                problems += [f"{place}: {problem}." for problem in found]
    return problems


def _source_tables(source: Source) -> dict[str, Columns]:
    tables: dict[str, Columns] = {}
    for name, table in source.tables.items():
        typed = {column: spec.type for column, spec in table.columns.items()}
        tables[name] = {**typed, **LINEAGE, **(FILE_LINEAGE if table.files else {})}
        if table.files:
            tables[f"{name}__files"] = FILES
    return tables


def _models(settings: Settings, schema: str) -> dict[str, Columns]:
    """The tables of a dbt schema, from the contracts of their models."""
    tables = {}
    for path in sorted((settings.dbt_dir / "models" / schema).rglob("*.yml")):
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", []):
            table = model.get("config", {}).get("alias", model["name"])
            columns = {column["name"]: str(column["data_type"]) for column in model.get("columns", [])}
            tables[f"{schema}.{table}"] = columns
    return tables


def _create_empty(connection: duckdb.DuckDBPyConnection, source: str, tables: dict[str, Columns]) -> list[str]:
    problems = []
    connection.execute("CREATE SCHEMA silver; CREATE SCHEMA gold")
    for name, columns in tables.items():
        listed = ", ".join(f"{as_name(column)} {type_}" for column, type_ in columns.items())
        try:
            connection.execute(f"CREATE TABLE {_quoted(name)} ({listed})")
        except duckdb.Error as error:
            problems.append(f"The columns of {source}.{name} make no table: {' '.join(str(error).split())}.")
    return problems


def _quoted(name: str) -> str:
    return ".".join(map(as_name, name.split(".")))


def _check_file(
    path: Path,
    tables: dict[str, Columns],
    described: Table | None,
    connection: duckdb.DuckDBPyConnection,
    ids: dict[str, str],
) -> list[str]:
    source, table = path.parent.name, path.stem
    place = f"{GOLD}.{table}" if source == GOLD else table
    if place not in tables:
        told = "no model in dbt_project/models/gold builds" if source == GOLD else "no YAML in dags/sources describes"
        return [f"it judges {source}.{table}, which {told}"]
    suite, problems = read_suite(path)
    if suite is None:
        return problems
    found: list[tuple[str, str]] = []
    for rule in suite.rules:
        own = _check_rule(rule, source)
        own += [f"the table has no column '{name}'" for name in rule.columns if name not in tables[place]]
        own += _check_query(rule, place, connection)
        found += [(rule.meta.rule_id, problem) for problem in own]
    found += [(rule.meta.rule_id, problem) for rule, problem in contradictions(suite.rules)]
    found += _check_rules_of_suite(suite, place, described, connection)
    for rule_id in suite.ids:
        if not rule_id.startswith(f"{source}.{table}."):
            found.append((rule_id, f"its id must begin with {source}.{table}."))
        if rule_id in ids:
            found.append((rule_id, f"its id is used in {ids[rule_id]} too"))
    ids |= dict.fromkeys(suite.ids, f"expectations/{source}/{path.name}")
    return problems + [f"rule {rule_id}: {problem}" for rule_id, problem in found]


def _check_rules_of_suite(
    suite: Suite, table: str, described: Table | None, connection: duckdb.DuckDBPyConnection
) -> list[tuple[str, str]]:
    """Problems of the rules in the meta of a suite, by rule id."""
    of_suite = (*suite.drift, *suite.totals)
    if described is None:
        return [(rule.rule_id, "drift and totals belong to batches of a source; gold has none") for rule in of_suite]
    found = [(rule.rule_id, told) for rule in suite.drift if (told := refusal(rule, described))]
    for rule in suite.totals:
        if "{batch}" not in rule.total:
            found.append((rule.rule_id, "its total must read from {batch}"))
        for name, query in (("total", rule.total), ("control", rule.control)):
            columns, told = _describe(connection, query, table)
            if told:
                found.append((rule.rule_id, f"its {name} cannot be run: {told}"))
            elif len(columns) != 1:
                found.append((rule.rule_id, f"its {name} must give one number"))
    return found


def _check_rule(rule: Rule, source: str) -> list[str]:
    from wardlake.quality.engine import check_expectation  # noqa: PLC0415  Great Expectations takes seconds to import

    problems = [refused] if (refused := check_expectation(rule.type, rule.kwargs)) else []
    if source == GOLD and rule.meta.action == "quarantine":
        problems.append("nothing is quarantined in gold: choose warn or halt")
    if rule.meta.action == "quarantine" and rule.type.startswith(ROWLESS_PREFIXES):
        problems.append(f"{rule.type} names no rows that could be quarantined: choose warn or halt")
    if rule.meta.threshold_pct and rule.type.startswith(ROWLESS_PREFIXES):
        problems.append(f"{rule.type} is met or is not: threshold_pct must be 0")
    return problems


def _check_query(rule: Rule, table: str, connection: duckdb.DuckDBPyConnection) -> list[str]:
    if not rule.is_query:
        return []
    query = str(rule.kwargs.get("unexpected_rows_query"))
    if "{batch}" not in query:
        return ["its query must read from {batch}"]
    columns, told = _describe(connection, query, table)
    if told:
        return [f"its query cannot be run: {told}"]
    if rule.meta.action == "quarantine" and "_row_id" not in columns:
        return ["its query must select _row_id, to say which rows are quarantined"]
    return []


def _describe(connection: duckdb.DuckDBPyConnection, query: str, table: str) -> tuple[list[str], str | None]:
    """Columns of a query's result on the empty tables, or why it cannot be run."""
    try:
        described = connection.execute(f"DESCRIBE {query.format(batch=_quoted(table))}").fetchall()
    except (duckdb.Error, LookupError, ValueError) as error:
        return [], " ".join(str(error).split())
    return [name for name, *_ in described], None
