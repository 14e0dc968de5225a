"""`wardlake source stage`: a first staging model, with every column of the silver entity that it feeds."""

import re
from collections.abc import Iterable
from pathlib import Path

from wardlake.definitions import Column, read_tables
from wardlake.errors import PermanentError
from wardlake.sources import ENTITIES, Source

LINEAGE = ("facility_id", "source_id", "batch_id", "row_id")
"""Columns that the macro of this name writes."""

TYPES = {"varchar": "{{ type_text() }}", "timestamp with time zone": "{{ type_instant() }}"}
"""Types whose names differ between warehouses."""


def write_model(dbt_dir: Path, source: Source, entity: str, table: str | None) -> list[Path]:
    """Write the model, and the list of bronze tables if there is none; returns what was written.

    Raises:
        PermanentError: If the model exists, or if entity or table are not known.
    """
    if entity not in ENTITIES:
        raise PermanentError(f"Silver has no entity {entity}.", remedy=f"Take one of {', '.join(ENTITIES)}.")
    table = _chosen(source, table)
    folder = dbt_dir / "models" / "staging" / source.name
    model = folder / f"stg_{source.name}__{entity}.sql"
    if model.exists():
        raise PermanentError(
            f"{model.name} exists already; nothing was written.", remedy="Change it, or delete it first."
        )
    folder.mkdir(parents=True, exist_ok=True)
    model.write_text(_model_sql(source, entity, table, _wanted(dbt_dir, entity)), encoding="utf-8")
    tables = folder / f"_{source.name}__sources.yml"
    if tables.exists():
        return [model]
    tables.write_text(_tables_yaml(source), encoding="utf-8")
    return [model, tables]


def _chosen(source: Source, table: str | None) -> str:
    names = ", ".join(source.tables)
    if table is None and len(source.tables) > 1:
        raise PermanentError(f"{source.name} has several tables.", remedy=f"Name one with --table: {names}.")
    if table is not None and table not in source.tables:
        raise PermanentError(f"{source.name} has no table {table}.", remedy=f"Name one of {names}.")
    return table or next(iter(source.tables))


def _wanted(dbt_dir: Path, entity: str) -> list[Column]:
    """The columns of silver's contract, without those that silver adds itself."""
    sql = (dbt_dir / "models" / "silver" / f"{entity}.sql").read_text()
    added = re.search(rf"unite\('{entity}', derived=\[(.*?)\]\)", sql, re.DOTALL)
    derived = re.findall(r"'(\w+)'", added.group(1)) if added else []
    (silver,) = (table for table in read_tables(dbt_dir) if (table.layer, table.name) == ("silver", entity))
    return [column for column in silver.columns if column.name not in derived]


def _model_sql(source: Source, entity: str, table: str, columns: Iterable[Column]) -> str:
    lines: list[str] = []
    for column in columns:
        if column.name in LINEAGE:
            if column.name == LINEAGE[0]:
                lines += [f"    {{{{ lineage('{source.name}') }}}},"]
            continue
        needed = "  Never NULL." if column.is_required else ""
        type_ = TYPES.get(column.data_type, column.data_type)
        lines += [f"    -- {column.description}{needed}", f"    cast(null as {type_}) as {column.name},"]
    lines[-1] = lines[-1].removesuffix(",")
    told = ", ".join(source.tables[table].columns)
    head = [
        f"-- A first silver.{entity} of {source.name}. Columns of {table}: {told}.",
        "-- Put the system's columns in the place of the nulls, and delete the lines of what it does not know.",
        f"-- Macros: source_key('{source.name}', 'column') is a key. Text becomes a number, a day or an instant by",
        "-- to_decimal, to_date, to_utc (local time) and to_instant (time with its offset).",
        "-- One row for each key: where the table has several, select from newest_of_each(source(...), 'key').",
        "select",
    ]
    return "\n".join([*head, *lines, f"from {{{{ source('{source.name}', '{table}') }}}}", ""])


def _tables_yaml(source: Source) -> str:
    tables = "".join(f"      - name: {name}\n" for name in source.tables)
    return f"sources:\n  - name: {source.name}\n    schema: bronze_{source.name}\n    tables:\n{tables}"
