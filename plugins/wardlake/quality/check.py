"""Every problem of all suites in one pass, found without reading data."""

from pathlib import Path

from wardlake.quality.suites import GOLD, Rule, Suite, read_suite, suite_path
from wardlake.settings import Settings
from wardlake.sources import LINEAGE_COLUMNS, Source

ROWLESS_PREFIXES = ("expect_table_", "expect_column_to_exist", "expect_column_distinct_", "expect_column_proportion_")


def check_suites(settings: Settings, sources: list[Source]) -> list[str]:
    """One line for each problem: of the JSON, the meta, the expectations, the columns, and of tables without suite."""
    known = {(source.name, table): source for source in sources for table in source.tables}
    problems = [
        f"{source}.{table} has no suite and is judged by its keys alone: write expectations/{source}/{table}.json."
        for source, table in known
        if not suite_path(settings, source, table).exists()
    ]
    if not any((settings.suites_dir / GOLD).glob("*.json")):
        problems.append("expectations/gold holds no suite: the gate of publishing would have nothing to read.")
    ids: dict[str, str] = {}
    for path in sorted(settings.suites_dir.glob("*/*.json")):
        source, table = path.parent.name, path.stem
        if source != GOLD and (source, table) not in known:
            problems.append(f"{_place(path)} judges {source}.{table}, which no YAML in dags/sources describes.")
            continue
        suite, found = read_suite(path)
        if suite is not None:
            columns = None if source == GOLD else _columns(known[source, table], table)
            found = _check_rules(suite, source, table, columns)
            found += [
                f"the rule id {rule_id} is used in {ids[rule_id]} too" for rule_id in _ids(suite) if rule_id in ids
            ]
            ids |= dict.fromkeys(_ids(suite), _place(path))
        problems += [f"{_place(path)}: {problem}." for problem in found]
    return problems


def _check_rules(suite: Suite, source: str, table: str, columns: set[str] | None) -> list[str]:
    from wardlake.quality.engine import check_expectation  # noqa: PLC0415  Great Expectations takes seconds to import

    problems = []
    for rule in suite.rules:
        found = [refused] if (refused := check_expectation(rule.type, rule.kwargs)) else []
        if columns is not None:
            found += [f"the table has no column '{name}'" for name in rule.columns if name not in columns]
        found += _check_meaning(rule, source, table)
        problems += [f"rule {rule.meta.rule_id}: {problem}" for problem in found]
    return problems


def _check_meaning(rule: Rule, source: str, table: str) -> list[str]:
    problems = []
    if not rule.meta.rule_id.startswith(f"{source}.{table}."):
        problems.append(f"its id must begin with {source}.{table}.")
    if source == GOLD and rule.meta.action == "quarantine":
        problems.append("nothing is quarantined in gold: choose warn or halt")
    if rule.meta.action == "quarantine" and rule.type.startswith(ROWLESS_PREFIXES):
        problems.append(f"{rule.type} names no rows that could be quarantined: choose warn or halt")
    if rule.is_query and "{batch}" not in str(rule.kwargs.get("unexpected_rows_query")):
        problems.append("its query must read from {batch}")
    return problems


def _columns(source: Source, table: str) -> set[str]:
    return {*source.tables[table].columns, *LINEAGE_COLUMNS}


def _ids(suite: Suite) -> list[str]:
    return [rule.meta.rule_id for rule in suite.rules]


def _place(path: Path) -> str:
    return f"expectations/{path.parent.name}/{path.name}"
