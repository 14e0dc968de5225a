"""Files of real hospitals, compared with what Python's own parser makes of them."""

import csv
import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filing import file_source, shown, take

from wardlake.settings import Settings

DATA = Path(os.environ.get("WARDLAKE_REAL_DATA", "/nowhere"))
FOLDERS = ("nhs_epd_prescribing", "nhs_r_datasets", "synthea_csv_omop_seed", "mimic3_demo")
LARGEST_BYTES = 3_000_000
FILES = sorted(
    path.relative_to(DATA).as_posix()
    for folder in FOLDERS
    for path in (DATA / folder).glob("*.csv*")
    if path.stat().st_size < LARGEST_BYTES
)

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="WARDLAKE_REAL_DATA is not set")


def records(path: Path) -> Iterator[list[str]]:
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as stream:
        yield from (record for record in csv.reader(stream) if record)


@pytest.mark.parametrize("name", FILES or ["none"])
def test_a_real_file_arrives_verbatim(settings: Settings, tmp_path: Path, name: str) -> None:
    path = DATA / name
    shutil.copy2(path, tmp_path / path.name)
    header, *rows = records(path)
    columns = dict.fromkeys(header, "VARCHAR")
    source = file_source(
        columns,
        connection={"kind": "folder", "path": str(tmp_path)},
        pattern=path.name,
        compression="gzip" if path.suffix == ".gz" else "none",
    )
    manifest = take(settings, source, 1)
    assert (manifest.refused, manifest.source_rows) == ([], len(rows))
    found = shown(settings, source, "_line, * EXCLUDE (_row_id, _batch_id, _source, _extracted_at, _file, _line)")
    assert [row[1:] for row in found] == [tuple(value or None for value in row) for row in rows]
    assert [row[0] for row in found] == list(range(2, len(rows) + 2))
