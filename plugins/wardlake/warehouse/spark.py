"""Spark as the warehouse: bronze is shown to it as Parquet files, and gold is read from the Parquet files it writes.

Without an address Spark runs on this machine, inside dbt's process, with its catalog below WARDLAKE_HOME.
"""

import shutil
from pathlib import Path

import duckdb

from wardlake.privacy import pseudonym_pads
from wardlake.settings import Settings
from wardlake.sql import as_name, as_text
from wardlake.warehouse.connection import relations


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Folders, limits, and the padded keys: Spark puts variables of its environment into queries by itself."""
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "WARDLAKE_SPARK_MASTER": f"local[{settings.threads}]",
        "WARDLAKE_SPARK_MEMORY": _java_size(settings.memory_limit),
        "WARDLAKE_SPARK_PARTITIONS": str(2 * settings.threads),
        "WARDLAKE_SPARK_FOLDER": str(folder),
        "WARDLAKE_BRONZE_FOLDER": str(_bronze_folder(settings)),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    if settings.pseudonym_key is not None:
        pads = pseudonym_pads(settings)
        environment |= {
            "DBT_ENV_SECRET_PSEUDONYM_INNER": pads.inner.hex(),
            "DBT_ENV_SECRET_PSEUDONYM_OUTER": pads.outer.hex(),
        }
    return environment


def show_bronze(settings: Settings, engine: duckdb.DuckDBPyConnection, schemas: list[str]) -> None:
    """Write the rows that silver may read as a Parquet file for each table; dbt declares them when it begins."""
    folder = _bronze_folder(settings)
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for schema in schemas:
        (unfinished / schema).mkdir(parents=True)
        for view in relations(engine, schema):
            target = unfinished / schema / view / "rows.parquet"
            target.parent.mkdir()
            rows = f"FROM {as_name(schema)}.{as_name(view)}"
            engine.execute(f"COPY ({rows}) TO {as_text(str(target))} (FORMAT parquet, COMPRESSION zstd)")
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def attach_built(settings: Settings, engine: duckdb.DuckDBPyConnection, schema: str) -> dict[str, str]:  # noqa: ARG001
    """Queries over the Parquet files of the tables that dbt has built."""
    tables = sorted((_folder(settings) / "tables" / f"{schema}.db").glob("*/"))
    return {table.name: f"FROM read_parquet({as_text(str(table / '*.parquet'))})" for table in tables}


def _folder(settings: Settings) -> Path:
    return settings.warehouse_path.parent / "spark"


def _bronze_folder(settings: Settings) -> Path:
    return _folder(settings) / "bronze"


def _java_size(size: str) -> str:
    """A size as Java writes it: '4GB' is '4096m'."""
    number = size.upper().rstrip("KMGTIB")
    megabytes = float(number) * {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024 * 1024}[size.upper()[len(number)]]
    return f"{max(int(megabytes), 512)}m"
