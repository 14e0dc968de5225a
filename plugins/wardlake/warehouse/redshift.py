"""What Redshift is told, so that it has the bronze that silver may read: tables, and COPY with a manifest of all files.

Nothing here connects: docs/warehouses.md says how far it was tried.
"""

import json
from collections.abc import Sequence

from wardlake.sql import as_name, as_text
from wardlake.warehouse.staged import Part, Staged

TYPES = {"VARCHAR": "VARCHAR(65535)", "DOUBLE": "DOUBLE PRECISION", "FLOAT": "REAL", "BLOB": "VARBYTE(1024000)"}


def copy_manifest(parts: Sequence[Part]) -> str:
    """The manifest of a COPY: every file must be there, in its whole length."""
    entries = [{"url": part.url, "mandatory": True, "meta": {"content_length": part.bytes}} for part in parts]
    return json.dumps({"entries": entries}, indent=1)


def table_statements(staged: Staged, manifest_url: str, role: str) -> list[str]:
    """Statements that replace a bronze table, for one transaction; a table without rows has no manifest to copy."""
    name = f"{as_name(staged.schema)}.{as_name(staged.table)}"
    columns = ", ".join(f"{as_name(column)} {TYPES.get(type_, type_)}" for column, type_ in staged.columns.items())
    statements = [
        f"CREATE SCHEMA IF NOT EXISTS {as_name(staged.schema)}",
        f"DROP TABLE IF EXISTS {name} CASCADE",  # the staging views go as well; dbt makes them again
        f"CREATE TABLE {name} ({columns})",
    ]
    if staged.parts:
        statements.append(
            f"COPY {name} FROM {as_text(manifest_url)} IAM_ROLE {as_text(role)} FORMAT AS PARQUET MANIFEST"
        )
    return statements
