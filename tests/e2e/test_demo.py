"""The whole way as a user takes it: `wardlake demo` with real servers and the real scheduler."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import httpx
import psycopg
import pytest
from traces import processes_of

from wardlake.embedded import postgres, stack
from wardlake.embedded.demo import WINDOW
from wardlake.lake import Lake
from wardlake.publish import Publication
from wardlake.query import query
from wardlake.reference import PLANTED, load_reference
from wardlake.settings import Settings, load_settings
from wardlake.sources import load_sources
from wardlake.warehouse.connection import connect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

PATIENTS = 200
CANARY = "Qzxcanary7731"
CANARY_PHONE = "+49 30 99887766554433"
DEMO_TIMEOUT_S = 900


@dataclass(frozen=True)
class Demo:
    """A finished `wardlake demo`."""

    settings: Settings
    output: str
    publication: Publication


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("demo") / "home"
    yield folder
    stack.down(folder)


@pytest.fixture(scope="module")
def environment(home: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDLAKE_HOME", str(home))
        yield


@pytest.fixture(scope="module")
def first(home: Path, environment: None) -> Demo:
    """The first demo, of a hospital whose patients and staff carry a string that nobody else has."""
    before = load_settings()
    ports = stack.start_servers(before, print)
    settings = stack.save_settings(before, ports, ("reference", "reference_pharmacy"))
    Lake(settings).ensure_buckets()
    load_reference(settings, postgres.uri(home, "hospital"), patients=PATIENTS)
    with psycopg.connect(postgres.uri(home, "hospital"), autocommit=True) as connection:
        connection.execute(
            "update adt.pat_master set fam_nm = fam_nm || %(canary)s, giv_nm = giv_nm || %(canary)s, "
            "native_nm = native_nm || %(canary)s, addr_line = addr_line || %(canary)s, city = city || %(canary)s, "
            "phone = %(phone)s",
            {"canary": CANARY, "phone": CANARY_PHONE},
        )
        connection.execute("update hr.staff set fam_nm = fam_nm || %s, giv_nm = giv_nm || %s", [CANARY, CANARY])
    return run_demo(settings)


@pytest.fixture(scope="module")
def second(first: Demo) -> Demo:
    return run_demo(first.settings)


def run_demo(settings: Settings, *arguments: str) -> Demo:
    program = Path(sys.executable).with_name("wardlake")
    ended = subprocess.run(
        [program, "demo", "--patients", str(PATIENTS), *arguments],
        capture_output=True,
        text=True,
        timeout=DEMO_TIMEOUT_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    record = settings.published_dir / "current" / "publication.json"
    return Demo(load_settings(), ended.stdout, Publication.model_validate_json(record.read_text()))


def rows_at_the_source(settings: Settings) -> dict[str, int]:
    with psycopg.connect(settings.connection_uri("reference_db")) as connection:
        return {
            name: connection.execute(f"select count(*) from {table.relation}").fetchone()[0]
            for name, table in load_sources(settings)["reference"].tables.items()
        }


def test_every_row_of_the_source_is_in_bronze(first: Demo) -> None:
    source = rows_at_the_source(first.settings)
    inputs = {one.table: one for one in first.publication.inputs if one.source == "reference"}
    assert {name: one.source_rows for name, one in inputs.items()} == source
    assert all(one.bronze_rows == one.source_rows for one in first.publication.inputs)
    assert {one.source for one in first.publication.inputs} == {"reference", "reference_pharmacy"}


def test_exactly_the_planted_rows_are_kept_out_of_silver(first: Demo) -> None:
    expected: dict[tuple[str, str], int] = {}
    for row in PLANTED:
        if row.action == "quarantine":
            expected[row.source, row.table] = expected.get((row.source, row.table), 0) + 1
    quarantined = {
        (one.source, one.table): one.quarantined_rows for one in first.publication.inputs if one.quarantined_rows
    }
    assert quarantined == expected


def test_what_was_let_through_is_what_silver_holds(first: Demo) -> None:
    accepted = {one.table: one.bronze_rows - one.quarantined_rows for one in first.publication.inputs}
    for entity, table in {"patients": "pat_master", "encounters": "admission", "ward_stays": "bed_movement"}.items():
        assert first.publication.tables[f"silver.{entity}"] == accepted[table]


def test_gold_is_there_to_be_read(first: Demo) -> None:
    empty = [name for name, rows in first.publication.tables.items() if name.startswith("gold.") and not rows]
    assert not empty
    [encounters] = query(first.settings, "select count(*) from gold.encounter_facts").to_numpy().tolist()[0]
    assert encounters == first.publication.tables["gold.encounter_facts"]


def test_the_summary_tells_what_a_reader_needs(first: Demo) -> None:
    assert re.search(r"reference\.pat_master .* 3 ", first.output)
    for wanted in (
        "bed occupancy",
        "nursing hours per",
        "drug cost per",
        "build_gold",
        "http://127.0.0.1:",
        "password",
    ):
        assert wanted in first.output
    report = first.settings.reports_dir / f"{first.publication.build_id}.html"
    assert report.stat().st_size > 1000
    assert f"Quality report: {report}" in first.output


def test_airflow_asks_for_a_login(first: Demo) -> None:
    address = re.search(r"http://127\.0\.0\.1:\d+", first.output).group()
    for page in ("/api/v2/dags", "/api/v2/connections", "/api/v2/dags/build_gold/dagRuns"):
        assert httpx.get(address + page, trust_env=False).status_code == httpx.codes.UNAUTHORIZED


def test_a_second_demo_adds_nothing(first: Demo, second: Demo) -> None:
    assert [one.batch_ids for one in second.publication.inputs] == [one.batch_ids for one in first.publication.inputs]
    assert second.publication.tables == first.publication.tables
    assert second.publication.publication_id != first.publication.publication_id
    lake = Lake(first.settings)
    manifests = [key for key in lake.list(first.settings.bucket("bronze")) if key.endswith("_manifest.json")]
    # Airflow may run the schedule's window as well, soon after its time: only those of the demo's are counted
    of_demo = [key for key in manifests if f"/batch_id={WINDOW.start:%Y%m%dT%H%M%SZ}-" in key]
    assert len(of_demo) == len(first.publication.inputs)


def test_names_phones_and_addresses_are_in_bronze_and_silver_only(second: Demo) -> None:
    settings = second.settings
    lake = Lake(settings)
    bronze = f"s3://{settings.bucket('bronze')}/bronze/reference/pat_master/*/*.parquet"
    with connect(settings) as engine:
        found = engine.execute(
            "select count(*) filter (contains(fam_nm, ?)), count(*) filter (phone = ?) from read_parquet(?)",
            [CANARY, CANARY_PHONE, bronze],
        ).fetchone()
    assert found[0] > PATIENTS
    assert found[1] > PATIENTS

    dump = subprocess.run(
        [postgres.BIN_DIR / "pg_dump", "--inserts", postgres.uri(settings.home, "airflow")],
        capture_output=True,
        check=True,
    ).stdout
    assert b"build_gold" in dump
    places: dict[str, bytes] = {"Airflow's database": dump}
    for folder in ("logs", "reports", "airflow", "dbt", "published", "secrets", "run"):
        files = (settings.home / folder).rglob("*")
        places |= {str(path): path.read_bytes() for path in files if path.is_file() and path.name != "silver.duckdb"}
    for bucket in ("quality", "gold"):
        for key in lake.list(settings.bucket(bucket)):
            places[f"{bucket}/{key}"] = lake.get(settings.bucket(bucket), key)
    for key in lake.list(settings.bucket("bronze")):
        if key.endswith(".json"):
            places[f"bronze/{key}"] = lake.get(settings.bucket("bronze"), key)
    assert len(places) > 100
    assert [place for place, content in places.items() if is_in(content)] == []
    assert texts_with_canary(settings.published_dir / "current" / "gold.duckdb") == []
    assert texts_with_canary(settings.published_dir / "current" / "silver.duckdb") != []


def is_in(content: bytes) -> bool:
    return any(text.encode() in content for text in (CANARY, CANARY_PHONE, CANARY_PHONE.replace(" ", "")))


def texts_with_canary(database: Path) -> list[str]:
    """Text columns of a database file that hold the canary: its blocks are compressed, so they are read by SQL."""
    with duckdb.connect(str(database), read_only=True) as engine:
        columns = engine.execute(
            "select table_name, column_name from duckdb_columns() where data_type = 'VARCHAR' and not internal"
        ).fetchall()
        assert columns
        return [
            f"{table}.{column}"
            for table, column in columns
            if engine.execute(
                f'select 1 from "{table}" where contains("{column}", ?) or "{column}" = ? limit 1',
                [CANARY, CANARY_PHONE],
            ).fetchone()
        ]


@pytest.mark.skipif("WARDLAKE_REAL_DATA" not in os.environ, reason="WARDLAKE_REAL_DATA is not set")
def test_a_second_hospital_joins_the_first(second: Demo) -> None:
    joined = run_demo(second.settings, "--hospital", "mimic3")
    assert {one.source for one in joined.publication.inputs} == {"reference", "reference_pharmacy", "mimic3"}
    assert all(one.bronze_rows == one.source_rows > 0 for one in joined.publication.inputs if one.source == "mimic3")
    stays = query(
        joined.settings, "select facility_id, count(*) from gold.encounter_facts group by all order by all"
    ).to_numpy()
    assert [facility for facility, _ in stays] == ["bidmc", "reference"]
    assert joined.publication.tables["gold.encounter_facts"] > second.publication.tables["gold.encounter_facts"]


def test_nothing_runs_after_down(second: Demo, home: Path) -> None:
    assert processes_of(home)
    ended = subprocess.run([Path(sys.executable).with_name("wardlake"), "down"], check=True, capture_output=True)
    assert b"Stopped" in ended.stdout
    assert processes_of(home) == []
