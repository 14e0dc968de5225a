"""What goes wrong during extraction: one clear message, no half-written batch, and a retry that mends it."""

import os
import signal
import subprocess
import sys
import threading
import traceback
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from clinic import DAY, create_wards, price_source, ward_source
from psycopg.conninfo import make_conninfo

from wardlake.bronze import batches, extract_table
from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings

EXTRACT_BIG = """
import sys
sys.path.insert(0, {tests!r})
from clinic import DAY, ward_source
from wardlake.bronze import extract_table
from wardlake.errors import WardlakeError
from wardlake.settings import load_settings
try:
    extract_table(load_settings(), ward_source(ward_cd="VARCHAR", beds="INTEGER"), "ward", DAY, {database!r})
except WardlakeError as error:
    sys.exit(f"{{type(error).__name__}}: {{error}}")
"""


def create_many_wards(database: str, rows: int) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("create schema adt")
        connection.execute("create table adt.ward (ward_cd text primary key, beds int)")
        connection.execute(
            "insert into adt.ward select md5(i::text) || md5((-i)::text), i from generate_series(1, %s) i", [rows]
        )


@pytest.fixture
def reader(database: str) -> Iterator[str]:
    """Name of a role that may log in with the password `pw` and read nothing."""
    name = f"reader_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"create role {name} login password 'pw'")
        yield name
        connection.execute(f"drop owned by {name}")
        connection.execute(f"drop role {name}")


def committed(settings: Settings) -> int:
    return len(batches(settings, Lake(settings), "clinic", "ward"))


def test_a_server_that_does_not_answer_is_a_passing_fault(settings: Settings) -> None:
    address = "postgresql://reader:secret-pw@127.0.0.1:9/hospital"
    with pytest.raises(PassingError, match=r"clinic\.ward: the database of connection 'clinic_db' cannot") as raised:
        extract_table(settings, ward_source(), "ward", DAY, address)
    assert "secret-pw" not in str(raised.value)


def test_a_database_that_is_not_there_is_named_by_its_connection(settings: Settings, database: str) -> None:
    with pytest.raises(PermanentError, match="database that connection 'clinic_db' names does not exist"):
        extract_table(settings, ward_source(), "ward", DAY, make_conninfo(database, dbname="nowhere"))


def test_a_missing_table_is_named(settings: Settings, database: str) -> None:
    create_wards(database)
    with pytest.raises(PermanentError, match=r"no table adt\.wards that this user can see.*relation"):
        extract_table(settings, ward_source("adt.wards"), "ward", DAY, database)
    assert committed(settings) == 0


def test_a_user_without_rights_is_told_the_grant(settings: Settings, database: str, reader: str) -> None:
    create_wards(database)
    with psycopg.connect(database) as connection:
        connection.execute(f"grant usage on schema adt to {reader}")
    with pytest.raises(PermanentError, match=r"may not read adt\.ward\. GRANT SELECT ON adt\.ward"):
        extract_table(settings, ward_source(), "ward", DAY, make_conninfo(database, user=reader, password="pw"))


def test_a_server_without_a_connection_to_spare_is_a_passing_fault_that_shows_no_password(
    settings: Settings, database: str, reader: str
) -> None:
    create_wards(database)
    with psycopg.connect(database) as connection:
        connection.execute(f"alter role {reader} password 'secret-pw' connection limit 1")
        connection.execute(f"grant usage on schema adt to {reader}")
        connection.execute(f"grant select on adt.ward to {reader}")
    address = make_conninfo(database, user=reader, password="secret-pw")
    with pytest.raises(PassingError, match="no free connection") as raised:
        extract_table(settings, ward_source(), "ward", DAY, address)
    assert "secret-pw" not in "".join(traceback.format_exception(raised.value))


def test_a_bucket_without_rights_is_named(settings: Settings, database: str) -> None:
    create_wards(database)
    elsewhere = settings.model_copy(update={"bucket_prefix": "not-ours"})
    with pytest.raises(PermanentError, match="not-ours-bronze"):
        extract_table(elsewhere, ward_source(), "ward", DAY, database)


def test_a_full_disk_is_named_and_nothing_is_committed(settings: Settings, database: str, tmp_path: Path) -> None:
    create_many_wards(database, 200_000)
    home = tmp_path / "small"
    home.mkdir()
    script = tmp_path / "extract.py"
    script.write_text(EXTRACT_BIG.format(tests=str(Path(__file__).parent), database=database))
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    ended = subprocess.run(
        [*unshare, "sh", "-c", f"mount -t tmpfs -o size=2m none {home} && exec {sys.executable} {script}"],
        env=settings.model_copy(update={"home": home}).environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert "PermanentError: clinic.ward, batch" in ended.stderr
    assert "disk is full" in ended.stderr
    assert committed(settings) == 0


def test_two_extractions_at_once_make_one_batch(settings: Settings, database: str) -> None:
    create_wards(database)
    start = threading.Barrier(4)

    def extract(_: int) -> object:
        start.wait()
        return extract_table(settings, ward_source(), "ward", DAY, database)

    with ThreadPoolExecutor(4) as pool:
        extractions = list(pool.map(extract, range(4)))
    assert [extraction.is_new for extraction in extractions].count(True) == 1
    assert len({extraction.manifest.model_dump_json() for extraction in extractions}) == 1
    assert committed(settings) == 1


def test_an_extraction_that_was_killed_is_no_batch_and_the_next_one_is_whole(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    create_many_wards(database, 300_000)
    script = tmp_path / "extract.py"
    script.write_text(EXTRACT_BIG.format(tests=str(Path(__file__).parent), database=database))
    process = subprocess.Popen([sys.executable, script], env=settings.environment())
    work = settings.temp_dir
    while not (work.exists() and any(work.glob("extract-*/*/parts/*/*"))):
        assert process.poll() is None, "the extraction ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert committed(settings) == 0
    whole = extract_table(settings, ward_source(ward_cd="VARCHAR", beds="INTEGER"), "ward", DAY, database)
    assert (whole.is_new, whole.manifest.lake_rows) == (True, 300_000)


def test_rows_that_are_added_meanwhile_do_not_part_source_and_lake(settings: Settings, database: str) -> None:
    create_many_wards(database, 100_000)
    stop = threading.Event()

    def keep_adding() -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("insert into adt.ward values (gen_random_uuid()::text, 1)")

    writer = threading.Thread(target=keep_adding)
    writer.start()
    try:
        source = ward_source(ward_cd="VARCHAR", beds="INTEGER")
        manifest = extract_table(settings, source, "ward", DAY, database).manifest
    finally:
        stop.set()
        writer.join()
    assert manifest.source_rows == manifest.lake_rows >= 100_000


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no header in row 2"),
        (b"note\nDrug;Price;Dose\nA;1;2\n", "column 'Dose' is new"),
        (b"note\nPrice;Drug\n1;A\n", "another order"),
        (b"note\nDrug;Price\nA;1\nB;2;3\n", "line 4 has another number of columns"),
        (b"note\nDrug;Price\nA\n", "line 3 has another number of columns"),
        (b"note\nDrug;Price\n\xff\xfe;1\n", "line 3 is not in the encoding utf-8"),
        (b'note\nDrug;Price\n"A;1\n', "quote in line 3 is never closed"),
    ],
)
def test_a_broken_file_is_set_aside_and_named_in_a_batch_without_rows(
    settings: Settings, lake: Lake, content: bytes, told: str
) -> None:
    lake.client.put_object(Bucket=settings.bucket("landing"), Key="pharmacy/price_7.csv", Body=content)
    manifest = extract_table(settings, price_source(), "price", DAY).manifest
    (refused,) = manifest.refused
    assert refused.name == "price_7.csv"
    assert told in refused.reason
    assert refused.key is not None
    assert lake.get(settings.bucket("bronze"), refused.key) == content
    assert (manifest.lake_rows, manifest.taken, manifest.arrived) == (0, [], False)
