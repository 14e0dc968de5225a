"""Generation of the reference hospital in DuckDB: sets of rows from hashes of a seed, never row by row."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import duckdb

from wardlake.errors import PermanentError

FOLDER = Path(__file__).parent

MIN_PATIENTS = 100
MIN_BEDS = 20
PATIENTS_PER_BED = 10
PATIENTS_PER_DOCTOR = 2

DIRTY_ROWS = "95_planted.sql"

TABLES = (
    "adt.pat_master", "adt.ward", "adt.bed", "adt.bed_status", "adt.admission", "adt.bed_movement",
    "ehr.diagnosis", "ehr.exam_result", "ehr.drug", "ehr.prescription", "ehr.administration",
    "hr.staff", "hr.roster", "hr.timeclock",
)  # fmt: skip


def generator_version() -> str:
    """Hash of all that decides what the hospital looks like, so that a changed generator makes it again."""
    digest = hashlib.sha256()
    for path in sorted(path for path in FOLDER.rglob("*") if path.suffix in (".sql", ".csv", ".py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def generate(
    engine: duckdb.DuckDBPyConnection,
    *,
    patients: int,
    seed: int,
    is_clean: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Create the schemas adt, ehr, hr (as in the vendor's database) and pharmacy (contents of its files).

    Beds are a tenth of the patients, doctors half. The same seed and number of patients give the same rows, whatever
    the number of threads. A clean hospital is the same without the dirty rows of planted.py.

    Raises:
        PermanentError: fewer than 100 patients, which is too few for a hospital with all types of wards.
    """
    if patients < MIN_PATIENTS:
        raise PermanentError(
            f"The reference hospital cannot have {patients} patients.", remedy=f"Ask for {MIN_PATIENTS} or more."
        )
    scale = {
        "seed": seed,
        "patients": patients,
        "beds": max(MIN_BEDS, patients // PATIENTS_PER_BED),
        "doctors": patients // PATIENTS_PER_DOCTOR,
    }
    for name, value in scale.items():
        engine.execute(f"SET VARIABLE {name} = {int(value)}::BIGINT")
    engine.execute("SET VARIABLE lists = $folder", {"folder": str(FOLDER / "data")})
    for script in sorted((FOLDER / "sql").glob("*.sql")):
        if is_clean and script.name == DIRTY_ROWS:
            continue
        progress(script.stem.partition("_")[2].replace("_", " "))
        engine.execute(script.read_text(encoding="utf-8"))
