"""Hand-made builds of a small warehouse, which passed the gate and can be published."""

import json
import uuid
from pathlib import Path

import duckdb

from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.warehouse.expose import Build, save_build

WARDS = """
    select * from (values
        ('W1', 'Intensive care', date '2026-01-31', timestamptz '2026-03-29 00:30:00.123456+00', 12.30::decimal(18, 2),
         0.3333::decimal(18, 4), true, 7::integer, 9223372036854775807::bigint, 0.1::double),
        ('W2', 'He said "no", it''s; a,b' || chr(10) || 'Ünïcode 病棟 \\N', date '0001-01-01', null,
         -9999999999999999.99::decimal(18, 2), 1e-4::decimal(18, 4), false, -1::integer, 0::bigint, null),
        ('', null, null, timestamptz '1900-01-01 00:00:00+00', null, null, null, null, null, 1e300::double)
    ) as ward (ward_id, ward_name, opened_on, seen_at, cost, rate, is_open, beds, stays, share)
"""
"""Rows with what is lost on the way most easily."""


def new_build(settings: Settings, number: int = 1, tables: dict[str, str] | None = None, *, rows: int = 500) -> Build:
    """A build whose tables `census` and `costs` have `rows` rows each and hold the number of the build.

    Args:
        settings: whose warehouse is replaced.
        number: stands in each row.
        tables: queries of further gold tables, by name.
        rows: in each of the two.
    """
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    numbered = f"select {number}::bigint as build, range::bigint as line from range({rows})"
    queries = {"census": numbered, "costs": numbered, **(tables or {})}
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("drop schema if exists gold cascade; create schema gold; create schema if not exists silver")
        connection.execute("create or replace table silver.patients as select 'Ada' as given_name")
        for name, query in queries.items():
            connection.execute(f"create table gold.{name} as {query}")
    build = Build(build_id=uuid.uuid4().hex, status="passed", exposed=[])
    save_build(settings, build)
    write_manifest(settings, list(queries))
    return build


def write_manifest(settings: Settings, tables: list[str], wide: tuple[str, ...] = ("costs",)) -> Path:
    """What dbt would write about the models of these tables."""
    nodes = {
        f"model.wardlake.{name}": {
            "resource_type": "model",
            "schema": "gold",
            "alias": name,
            "description": f"What '{name}' means.",
            "config": {"meta": {"wide_reading": True} if name in wide else {}},
            "columns": {"build": {"description": "The build's number.", "meta": {"formula": "n", "unit": "none"}}}
            if name in ("census", "costs")
            else {},
        }
        for name in tables
    }
    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    path = settings.dbt_target_dir / "manifest.json"
    path.write_text(json.dumps({"nodes": nodes}))
    return path


def record_of(settings: Settings, name: str = "current") -> dict[str, dict[str, dict[str, object]]]:
    """The record of the Iceberg tables, as a reader finds it."""
    found: dict[str, dict[str, dict[str, object]]] = json.loads(
        Lake(settings).get(settings.bucket("gold"), f"gold/_publications/{name}.json")
    )
    return found
