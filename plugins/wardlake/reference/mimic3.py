"""MIMIC-III demo: real, de-identified patients, from CSV files into a PostgreSQL database of its own."""

import hashlib
from pathlib import Path

import duckdb

from wardlake.errors import PermanentError
from wardlake.reference import postgres
from wardlake.reference.generate import FOLDER

SCHEMAS = ("mimiciii",)
TABLES = (
    "patients", "admissions", "transfers", "icustays", "services", "caregivers", "prescriptions", "diagnoses_icd",
    "procedures_icd", "drgcodes", "labevents", "d_icd_diagnoses", "d_icd_procedures", "d_labitems",
)  # fmt: skip


def load_mimic3(pg_uri: str, data_dir: Path) -> dict[str, int]:
    """Load the tables that Wardlake stages into schema `mimiciii`; returns their row counts. Safe to repeat.

    `data_dir` holds one file for each table: `<table>.csv` or `<table>.csv.gz`, with a header, comma separated.

    Raises:
        PermanentError: a file is missing, or the database has a schema `mimiciii` that Wardlake did not make.
        PassingError: the database does not answer, or another process is loading it.
    """
    files = {table: _file(data_dir, table) for table in TABLES}
    digest = hashlib.sha256()
    for path in files.values():
        digest.update(path.read_bytes())
    digest.update((FOLDER / "ddl" / "mimiciii.sql").read_bytes())
    wanted = f"MIMIC-III demo, files {digest.hexdigest()[:16]}"
    with postgres.locked(pg_uri) as connection, duckdb.connect() as engine:
        postgres.attach(engine, pg_uri)
        if postgres.loaded_as(connection, SCHEMAS) != wanted:
            postgres.start_over(connection, SCHEMAS, "mimiciii.sql")
            for table, path in files.items():
                engine.execute(
                    f"INSERT INTO vendor.mimiciii.{table} BY NAME "
                    "FROM read_csv($path, header = true, all_varchar = true)",
                    {"path": str(path)},
                )
            postgres.mark_loaded(connection, wanted)
        return {
            table: engine.execute(f"SELECT count(*) FROM vendor.mimiciii.{table}").fetchall()[0][0] for table in TABLES
        }


def _file(data_dir: Path, table: str) -> Path:
    for name in (f"{table}.csv", f"{table}.csv.gz"):
        if (path := data_dir / name).exists():
            return path
    raise PermanentError(
        f"{data_dir} has no file {table}.csv or {table}.csv.gz.",
        remedy="Set WARDLAKE_REAL_DATA to the folder of the MIMIC-III demo.",
    )
