"""The loader of MIMIC-III: types as published, codes as text, safe to repeat."""

import os
from pathlib import Path

import psycopg
import pytest

from wardlake.errors import PermanentError
from wardlake.reference import load_mimic3
from wardlake.reference.mimic3 import TABLES
from wardlake.settings import PROJECT_ROOT
from wardlake.sources import read_source

ROWS = {
    "patients": 100, "admissions": 129, "transfers": 524, "icustays": 136, "services": 163, "caregivers": 7567,
    "prescriptions": 10398, "diagnoses_icd": 1761, "procedures_icd": 506, "drgcodes": 297, "labevents": 76074,
    "d_icd_diagnoses": 14567, "d_icd_procedures": 3882, "d_labitems": 753,
}  # fmt: skip
"""Row counts that the data's own description states."""


@pytest.fixture
def invented(tmp_path: Path) -> Path:
    """Files with the columns of MIMIC-III and one or two invented rows."""
    columns = {name: list(table.columns) for name, table in read_source(SOURCE).tables.items()}
    for table in TABLES:
        (tmp_path / f"{table}.csv").write_text(",".join(columns[table]) + "\n")
    with (tmp_path / "prescriptions.csv").open("a") as stream:
        stream.write('1,2,3,,"2100-01-01 00:00:00",,"MAIN","Aspirin","","","ASA81","004380","00904404073","81 mg",')
        stream.write('"81-162","mg","1","TAB","PO"\n')
    with (tmp_path / "transfers.csv").open("a") as stream:
        stream.write('7,2,3,,"metavision","admit",,"MICU",,52,"2100-01-01 10:00:00","2100-01-02 10:00:00",24.00\n')
    return tmp_path


SOURCE = PROJECT_ROOT / "dags" / "sources" / "mimic3.yaml"


def test_codes_keep_their_zeros_and_a_repeat_changes_nothing(database: str, invented: Path) -> None:
    first = load_mimic3(database, invented)
    assert (first["prescriptions"], first["transfers"], first["patients"]) == (1, 1, 0)
    with psycopg.connect(database) as connection:
        assert connection.execute(
            "select ndc, gsn, dose_val_rx, drug_name_poe from mimiciii.prescriptions"
        ).fetchall() == [("00904404073", "004380", "81-162", None)]
        assert str(connection.execute("select los from mimiciii.transfers").fetchall()[0][0]) == "24.0000"
        connection.execute("delete from mimiciii.transfers")
    assert load_mimic3(database, invented)["transfers"] == 0, "it was loaded once more"

    with (invented / "d_labitems.csv").open("a") as stream:
        stream.write('1,50800,"SPECIMEN TYPE","BLOOD","BLOOD GAS",\n')
    assert load_mimic3(database, invented)["transfers"] == 1, "other files are loaded anew"


def test_a_missing_file_is_named(database: str, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"has no file patients\.csv"):
        load_mimic3(database, tmp_path)


@pytest.mark.skipif("WARDLAKE_REAL_DATA" not in os.environ, reason="needs WARDLAKE_REAL_DATA")
def test_the_real_demo_is_loaded_whole(database: str) -> None:
    assert load_mimic3(database, Path(os.environ["WARDLAKE_REAL_DATA"]) / "mimic3_demo") == ROWS
