"""The contracts of silver and gold as dbt knows them."""

import json

from wardlake.settings import Settings


def contract_types(settings: Settings, schema: str, table: str) -> dict[str, str]:
    """Columns of a model and their types, in DuckDB's words, from the manifest that dbt wrote when it built."""
    manifest = json.loads((settings.dbt_target_dir / "manifest.json").read_text())
    return {
        column["name"]: column["data_type"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == schema and node["alias"] == table
        for column in node["columns"].values()
    }
