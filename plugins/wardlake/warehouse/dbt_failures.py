"""What a failed dbt run means to an analyst: which table, column or rule, what was found, and where it is declared."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from wardlake.plural import counted
from wardlake.privacy import without_values

FAILED = ("error", "fail", "runtime error")
CONTRACT_LINE = re.compile(r"\s*\|\s*(\w+)\s*\|\s*(.*?)\s*\|\s*(.*?)\s*\|\s*(.* mismatch|missing in \w+)\s*\|\s*")
TRACE_LINE = re.compile(r"\s*> (in|called by) ")
SHOWN_ROWS = 5

Node = dict[str, Any]
"""A model or test as dbt's manifest describes it."""

Row = dict[str, object]

Find = Callable[[str], list[Row]]
"""Gives the first rows that a test finds, by its name."""


def failures(target: Path, find: Find) -> list[str]:
    """One text for each model and test that failed in the last run that has left its results in dbt's target folder.

    Of the rows that a test has found only those columns are told that its `meta: shown` names; all other texts hold no
    value of a row. Empty if dbt gave up before it ran anything.
    """
    path = target / "run_results.json"
    if not path.exists():
        return []
    results = json.loads(path.read_text())["results"]
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    failed = [(nodes[result["unique_id"]], result) for result in results if result["status"] in FAILED]
    told = [
        _of_test(nodes, node, result["failures"], find(node["name"]) if _shown(node) else [])
        if result["status"] == "fail"
        else f"{_name(node)} ({_file(node)}): {_reason(node, result['message'] or 'it gave no reason')}"
        for node, result in failed
    ]
    if skipped := sum(result["status"] == "skipped" for result in results):
        told.append(f"{skipped:,} models and tests that need them were skipped")
    return told


def _of_test(nodes: dict[str, Node], test: Node, failing: int, rows: list[Row]) -> str:
    table, column = nodes.get(test.get("attached_node") or ""), test.get("column_name")
    place, rule, meaning = test["name"].replace("_", " "), "", test["description"]
    if table:
        place = f"{_name(table)}, column {column}" if column else _name(table)
        rule = f" against {_rule(test['test_metadata'])}"
        meaning = meaning or (table["columns"][column]["description"] if column else "")
    told = f"{place} ({_file(test)}): {counted(failing, 'finding')}{rule}"
    if rows:
        told += ": " + "; ".join(", ".join(f"{name} {row.get(name)}" for name in _shown(test)) for row in rows)
    return f"{told}. {' '.join(meaning.split())}".rstrip(". ")


def _rule(metadata: dict[str, Any]) -> str:
    """A test with its arguments, as the YAML has them."""
    listed = "; ".join(
        f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in metadata["kwargs"].items()
        if name not in ("model", "column_name")
    )
    return f"{metadata['name']} ({listed})" if listed else str(metadata["name"])


def _reason(node: Node, message: str) -> str:
    """Why a model could not be built: where it breaks its contract, or the engine's words without values."""
    lines = message.splitlines()
    if broken := [found.groups() for line in lines if (found := CONTRACT_LINE.fullmatch(line))]:
        declared = str(node["patch_path"]).partition("://")[2]
        return f"it breaks its contract in dbt_project/{declared}: {'; '.join(_differences(broken))}"
    return without_values(" ".join(line.strip() for line in lines if not TRACE_LINE.match(line))).strip()


def _differences(lines: Iterable[tuple[str, ...]]) -> Iterable[str]:
    for column, built, agreed, reason in lines:
        if reason == "missing in definition":
            yield f"column {column} ({agreed}) is missing"
        elif reason == "missing in contract":
            yield f"column {column} ({built}) is not in it"
        else:
            yield f"column {column} is {built} instead of {agreed}"


def _shown(node: Node) -> list[str]:
    return list(node["config"].get("meta", {}).get("shown", []))


def _name(node: Node) -> str:
    return f"{node['schema']}.{node['alias']}" if node["resource_type"] == "model" else str(node["name"])


def _file(node: Node) -> str:
    return f"dbt_project/{node['original_file_path']}"
