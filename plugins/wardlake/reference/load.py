"""The reference hospital in its systems: clinical data in PostgreSQL, the pharmacy's files in the landing bucket."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg

from wardlake.lake import Lake
from wardlake.reference import pharmacy, postgres
from wardlake.reference.generate import TABLES, generate, generator_version
from wardlake.settings import Settings
from wardlake.warehouse.connection import translate

LANDING_PREFIX = "reference_pharmacy/"
SCHEMAS = ("adt", "ehr", "hr")
DEFAULT_PATIENTS = 10_000
DEFAULT_SEED = 20250101

FILES = (
    *(f"price_list_2025{month:02d}.xlsx" for month in pharmacy.QUARTERS),
    *(f"dispensing_2025{month:02d}.csv" for month in range(1, 13)),
)


@dataclass(frozen=True)
class LoadedHospital:
    """What is there after loading: rows by table (`schema.table`) and files by name; `is_new` is False for a no-op."""

    rows: dict[str, int]
    files: list[str]
    is_new: bool


def load_reference(
    settings: Settings,
    pg_uri: str,
    *,
    patients: int = DEFAULT_PATIENTS,
    seed: int = DEFAULT_SEED,
    is_clean: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> LoadedHospital:
    """Bring the reference hospital into an empty database and the landing bucket; does nothing if it is there.

    Another number of patients, another seed or another version of the generator replaces it. Killed half-way, the next
    call begins again. A clean hospital has none of the dirty rows of planted.py.

    Raises:
        PassingError: the database or the store does not answer, or another process is loading.
        PermanentError: the database holds schemas that Wardlake did not make, or there are too few patients.
    """
    wanted = f"reference hospital, generator {generator_version()}, {patients} patients, seed {seed}"
    if is_clean:
        wanted += ", clean"
    lake, bucket = Lake(settings), settings.bucket("landing")
    with postgres.locked(pg_uri) as connection:
        is_there = postgres.loaded_as(connection, SCHEMAS) == wanted
        landed = [key.removeprefix(LANDING_PREFIX) for key in lake.list(bucket, LANDING_PREFIX)]
        if is_there and set(FILES) <= set(landed):
            return LoadedHospital(_counts(connection), sorted(FILES), is_new=False)
        with _scratch(settings) as (engine, work):
            generate(engine, patients=patients, seed=seed, is_clean=is_clean, progress=progress)
            progress("pharmacy files")
            made = pharmacy.write_files(engine, work, is_clean=is_clean)
            if not is_there:
                postgres.fill(engine, connection, pg_uri, progress)
            for path in made:
                lake.upload(path, bucket, LANDING_PREFIX + path.name)
        if not is_there:
            postgres.mark_loaded(connection, wanted)
        return LoadedHospital(_counts(connection), sorted(FILES), is_new=True)


@contextmanager
def _scratch(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A DuckDB file and a folder below WARDLAKE_HOME, both gone afterwards; a large hospital spills to disk there."""
    settings.temp_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.temp_dir, prefix="reference-") as folder:
        work = Path(folder)
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": settings.memory_limit,
            "threads": settings.threads,
            "temp_directory": str(work / "spill"),
            "autoinstall_known_extensions": "false",
        }
        try:
            with duckdb.connect(str(work / "hospital.duckdb"), config=config) as engine:
                yield engine, work
        except duckdb.Error as error:
            raise translate(error, "The reference hospital") from error


def _counts(connection: psycopg.Connection) -> dict[str, int]:
    rows = connection.execute(
        " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in TABLES)
    ).fetchall()
    return {str(table): int(count) for table, count in rows}
