"""What holds whichever sources are active."""

import json

from tests.dbt_project.conftest import Warehouse, declared, facts

from wardlake.sources import ENTITIES

DERIVED = {"drug_event_costs", "drug_uses_monthly", "drug_daily_doses"}
"""Tables of silver that no source provides: steps on the way to gold that several tables share."""


def test_entities_that_nobody_provides_are_empty_tables_with_their_contract(warehouse: Warehouse) -> None:
    warehouse.build({})
    tables = {
        name for (name,) in warehouse.query("select table_name from duckdb_tables() where schema_name = 'silver'")
    }
    assert tables == set(ENTITIES) | DERIVED
    manifest = json.loads((warehouse.home / "target" / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert models
    for model in models:
        assert model["config"]["contract"]["enforced"], model["name"]
        if model["schema"] in ("silver", "gold"):
            relation = f"{model['schema']}.{model['alias']}"
            found = {
                (name, type_.lower().replace(",", ", ")) for name, type_, *_ in warehouse.query(f"describe {relation}")
            }
            assert found == {(column["name"], column["data_type"]) for column in model["columns"].values()}
            assert warehouse.query(f"select count(*) from {relation}") == [(0,)]


def test_every_model_has_a_test_of_uniqueness(warehouse: Warehouse) -> None:
    manifest = json.loads((warehouse.home / "target" / "manifest.json").read_text())
    tested = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("test_metadata", {}).get("name") in ("unique", "unique_combination")
    }
    models = {name for name, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    assert models
    assert models - tested == set()


def test_a_facility_without_time_zone_is_refused(warehouse: Warehouse) -> None:
    reference = facts(declared("reference")) | {"timezone": ""}
    refused = warehouse.dbt("parse", sources={"reference": reference})
    assert refused.returncode != 0
    assert "The facility 'reference' of the source 'reference' has no timezone" in refused.stdout
    assert "dags/sources/reference.yaml" in refused.stdout
