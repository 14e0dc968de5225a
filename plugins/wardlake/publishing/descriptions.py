"""What the models say of their tables, from dbt's manifest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardlake.errors import PermanentError
from wardlake.settings import Settings


@dataclass(frozen=True)
class Described:
    """Meaning of a table and of its columns; `wide_reading` if its model is marked as fit for many readers."""

    text: str
    columns: Mapping[str, str]
    wide_reading: bool


def describe_tables(settings: Settings) -> dict[str, Described]:
    """What the models of the last build say, by `schema.table`.

    Raises:
        PermanentError: there is no manifest.
    """
    path = settings.dbt_target_dir / "manifest.json"
    if not path.exists():
        raise PermanentError(
            "There is no dbt manifest, which describes the published tables.",
            remedy="Run 'wardlake init', then publish again.",
        )
    nodes = json.loads(path.read_text())["nodes"].values()
    return {f"{node['schema']}.{node['alias']}": _described(node) for node in nodes if node["resource_type"] == "model"}


def _described(model: Mapping[str, Any]) -> Described:
    return Described(
        text=model["description"].strip(),
        columns={name: _column_text(column) for name, column in model["columns"].items()},
        wide_reading=model["config"].get("meta", {}).get("wide_reading") is True,
    )


def _column_text(column: Mapping[str, Any]) -> str:
    meta = column.get("meta", {})
    facts = [f"{label}: {meta[key]}." for key, label in (("formula", "Formula"), ("unit", "Unit")) if meta.get(key)]
    return " ".join([column["description"].strip(), *facts])
