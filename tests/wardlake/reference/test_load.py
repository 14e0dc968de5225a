"""Loading into real servers: complete, repeatable, and done again after a kill."""

from pathlib import Path

import duckdb
import psycopg
import pytest

from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.reference import load_reference, postgres
from wardlake.reference.generate import TABLES
from wardlake.reference.load import FILES, LANDING_PREFIX
from wardlake.settings import PROJECT_ROOT, Settings
from wardlake.sources import read_source

PATIENTS = 100


def landed(settings: Settings, lake: Lake) -> dict[str, bytes]:
    bucket = settings.bucket("landing")
    return {key: lake.get(bucket, key) for key in lake.list(bucket, LANDING_PREFIX)}


def table_contents(database: str) -> dict[str, str]:
    with psycopg.connect(database) as connection:
        return {
            table: connection.execute(
                f"select md5(string_agg(t::text, '|' order by t::text)) from {table} t"
            ).fetchone()[0]
            for table in TABLES
        }


def test_a_repeat_does_nothing_and_another_seed_replaces(settings: Settings, lake: Lake, database: str) -> None:
    first = load_reference(settings, database, patients=PATIENTS)
    assert first.is_new
    assert all(rows > 0 for rows in first.rows.values())
    assert sorted(landed(settings, lake)) == [LANDING_PREFIX + name for name in sorted(FILES)]
    before = table_contents(database)

    again = load_reference(settings, database, patients=PATIENTS, progress=lambda step: pytest.fail(f"it did {step}"))
    assert not again.is_new
    assert again.rows == first.rows

    other = load_reference(settings, database, patients=PATIENTS, seed=7)
    assert other.is_new
    assert table_contents(database)["adt.admission"] != before["adt.admission"]


def test_killed_half_way_it_is_done_again(
    settings: Settings, lake: Lake, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = load_reference(settings, database, patients=PATIENTS)
    contents, files = table_contents(database), landed(settings, lake)

    class Killed(BaseException):
        pass

    def die_at_the_roster(step: str) -> None:
        if step == "loading hr.roster":
            raise Killed

    with pytest.raises(Killed):
        load_reference(settings, database, patients=PATIENTS, seed=7, progress=die_at_the_roster)
    redone = load_reference(settings, database, patients=PATIENTS)
    assert redone.is_new
    assert redone.rows == complete.rows
    assert table_contents(database) == contents
    assert landed(settings, lake) == files
    assert list(Path(settings.temp_dir).iterdir()) == []


def test_a_lost_file_comes_back_and_the_database_is_left_alone(settings: Settings, lake: Lake, database: str) -> None:
    load_reference(settings, database, patients=PATIENTS)
    before = landed(settings, lake)
    lake.client.delete_object(Bucket=settings.bucket("landing"), Key=LANDING_PREFIX + FILES[0])
    with psycopg.connect(database) as connection:
        connection.execute("delete from adt.bed_movement where mv_id = 1")
    load_reference(settings, database, patients=PATIENTS)
    assert landed(settings, lake) == before
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from adt.bed_movement where mv_id = 1").fetchone() == (0,)


def test_a_database_of_somebody_else_is_refused(settings: Settings, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("create schema hr")
    with pytest.raises(PermanentError, match="schemas hr that Wardlake did not create"):
        load_reference(settings, database, patients=PATIENTS)


@pytest.mark.parametrize(
    ("script", "source"), [("hospital.sql", "reference"), ("mimiciii.sql", "mimic3")], ids=["reference", "mimic3"]
)
def test_the_tables_are_as_the_source_yaml_says(database: str, script: str, source: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        postgres.run_script(connection, script)
    tables = read_source(PROJECT_ROOT / "dags" / "sources" / f"{source}.yaml").tables
    with duckdb.connect() as engine:
        postgres.attach(engine, database)
        for name, table in tables.items():
            found = engine.execute(f"describe vendor.{table.relation}").fetchall()
            assert {column: type_ for column, type_, *_ in found} == {
                column: contract.type for column, contract in table.columns.items()
            }, name
        made = engine.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where database_name = 'vendor' and schema_name in ('adt', 'ehr', 'hr', 'mimiciii')"
        ).fetchall()
        assert {relation for (relation,) in made} == {table.relation for table in tables.values()}
