"""What a failed dbt run means to an analyst: which table, column or rule, how many rows, and where it is declared."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wardlake.plural import counted
from wardlake.privacy import without_values

FAILED = ("error", "fail", "runtime error")
CONTRACT_LINE = re.compile(r"^\s*\|\s*(\w+)\s*\|\s*(.*?)\s*\|\s*(.*?)\s*\|\s*(.* mismatch|missing in \w+)\s*\|\s*$")
TRACE_LINE = re.compile(r"^\s*> (in|called by) ")

Node = dict[str, Any]
"""A model or test as dbt's manifest describes it."""


def failures(target: Path) -> list[str]:
    """One text for each model and test that failed in the last run that has left its results in dbt's target folder.

    No text holds a value of a row. Empty if dbt gave up before it ran anything.
    """
    path = target / "run_results.json"
    if not path.exists():
        return []
    results = json.loads(path.read_text())["results"]
    failed = [result for result in results if result["status"] in FAILED]
    if not failed:
        return []
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    told = [_told(nodes, nodes[result["unique_id"]], result) for result in failed]
    if skipped := sum(result["status"] == "skipped" for result in results):
        told.append(f"What needs them was skipped: {counted(skipped, 'node')}")
    return told


def _told(nodes: dict[str, Node], node: Node, result: dict[str, Any]) -> str:
    if node["resource_type"] != "test" or result["status"] != "fail":
        return f"{_name(node)} ({_file(node)}): {_reason(node, result['message'] or 'it gave no reason')}"
    rows = counted(int(result["failures"]), "row")
    if "test_metadata" not in node:
        return f"{node['name'].replace('_', ' ')} ({_file(node)}), {rows} against it{_meaning(node['description'])}"
    table = nodes[node["attached_node"]]
    column = node.get("column_name")
    described = node["description"] or (table["columns"].get(column, {}).get("description") if column else "")
    place = f"{_name(table)}, column {column}" if column else _name(table)
    return f"{place} ({_file(node)}): {rows} against {_rule(node['test_metadata'])}{_meaning(described)}"


def _rule(metadata: dict[str, Any]) -> str:
    """A test with its arguments, as the YAML has them."""
    arguments = {
        name: value for name, value in metadata["kwargs"].items() if name not in ("model", "column_name", "where")
    }
    listed = "; ".join(
        f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in arguments.items()
    )
    return f"{metadata['name']} ({listed})" if listed else str(metadata["name"])


def _reason(node: Node, message: str) -> str:
    """Why a model could not be built: where it breaks its contract, or the engine's words without values."""
    lines = message.splitlines()
    broken = [found.groups() for line in lines if (found := CONTRACT_LINE.match(line))]
    if broken:
        declared = str(node["patch_path"]).partition("://")[2]
        return f"it breaks its contract in dbt_project/{declared}: {'; '.join(_broken(broken))}"
    return without_values(" ".join(line.strip() for line in lines if line.strip() and not TRACE_LINE.match(line)))


def _broken(differences: Iterable[tuple[str, ...]]) -> Iterable[str]:
    for column, built, agreed, reason in differences:
        if reason == "missing in definition":
            yield f"column {column} ({agreed}) is missing"
        elif reason == "missing in contract":
            yield f"column {column} ({built}) is not in it"
        else:
            yield f"column {column} is {built} instead of {agreed}"


def _meaning(description: str) -> str:
    text = " ".join((description or "").split()).rstrip(".")
    return f". {text}" if text else ""


def _name(node: Node) -> str:
    return f"{node['schema']}.{node.get('alias') or node['name']}" if node["resource_type"] != "test" else node["name"]


def _file(node: Node) -> str:
    return f"dbt_project/{node['original_file_path']}"
