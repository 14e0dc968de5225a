"""A PostgreSQL database is described so that its extraction keeps the contract at once."""

import traceback
from pathlib import Path

import psycopg
import pytest
from tests.wardlake.onboard.conftest import Add

from wardlake.bronze import extract_tables
from wardlake.bronze.extract import Extraction
from wardlake.quality import judge_source
from wardlake.reference.generate import FOLDER
from wardlake.settings import PROJECT_ROOT, Settings
from wardlake.sources import Source, read_source
from wardlake.window import Window

SECRET = "very-secret"
ODD = """
    create schema lab;
    comment on schema lab is 'Laboratory';
    create table lab.result (
        res_id bigint primary key, mrn text, taken timestamptz, value numeric, price numeric(10, 2), code char(3),
        tags int[], body jsonb, token uuid, ok boolean, share double precision, at time
    );
    comment on table lab.result is 'One row for each measured value.';
    comment on column lab.result.code is E'Code of the test:\\nGLU, HBA';
    insert into lab.result
    select g, 'M' || g, now(), g / 3.0, g, 'GLU', array[g], '{}', gen_random_uuid(), true, g / 7.0, '10:00'
    from generate_series(1, 300) g;
    create table lab."order" (a int not null, b int not null, unique (a, b), note text);
    insert into lab."order" select g % 10, g, 'free text of a doctor' from generate_series(1, 100) g;
    create table lab.nothing (x int);
    create table lab."two words" (x int);
    create view lab.today as select res_id, mrn from lab.result;
"""


@pytest.fixture
def laboratory(database: str) -> str:
    """Address of a database with tables of many types."""
    with psycopg.connect(database) as connection:
        connection.execute(ODD)
    return database


def described(project: Settings, name: str = "lab") -> Source:
    return read_source(project.sources_dir / f"{name}.yaml")


def with_secret(address: str) -> str:
    return address.replace("postgres:@", f"postgres:{SECRET}@")


def test_the_first_extraction_keeps_the_contract(project: Settings, laboratory: str, add: Add) -> None:
    done = add("lab", "--from", laboratory, "--schema", "lab")
    assert done.exit_code == 0, done.output
    source = described(project)
    assert sorted(source.tables) == ["nothing", "order", "result"]
    for table, extraction in extract_tables(project, source, list(source.tables), Window.today(), laboratory).items():
        assert isinstance(extraction, Extraction), f"{table}: {extraction}"
    verdicts = judge_source(project, source)
    assert [rule for verdict in verdicts for rule in verdict.rules if rule.status == "error"] == []
    statuses = {verdict.table: verdict.status for verdict in verdicts}
    assert statuses == {"nothing": "warned", "order": "passed", "result": "passed"}


def test_the_catalogue_tells_keys_and_comments(project: Settings, laboratory: str, add: Add) -> None:
    add("lab", "--from", laboratory, "--schema", "lab")
    tables = described(project).tables
    assert tables["result"].keys == ["res_id"]
    assert tables["order"].keys == ["a", "b"]
    assert tables["result"].description == "One row for each measured value."
    assert tables["result"].columns["code"].description == "Code of the test: GLU, HBA"
    assert list(tables["result"].columns)[:3] == ["res_id", "mrn", "taken"]


def test_what_is_left_out_is_told(project: Settings, laboratory: str, add: Add) -> None:
    done = add("lab", "--from", laboratory, "--schema", "lab")
    assert done.exit_code == 0, done.exception
    told = done.output
    assert "lab.two words was left out" in told
    assert "The view lab.today was left out: name it with --tables" in told


def test_tables_and_views_can_be_named(project: Settings, laboratory: str, add: Add) -> None:
    done = add("lab", "--from", laboratory, "--tables", "today,lab.order")
    assert done.exit_code == 0, done.output
    assert {name: table.relation for name, table in described(project).tables.items()} == {
        "order": "lab.order",
        "today": "lab.today",
    }
    done = add("other", "--from", laboratory, "--tables", "tomorrow")
    assert "shows no table tomorrow" in str(done.exception)
    assert "lab.result" in str(done.exception)


def test_the_address_may_come_from_the_connection(
    project: Settings, laboratory: str, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDLAKE_CONN_LIS", laboratory)
    assert add("lab", "--conn-id", "lis", "--tables", "result").exit_code == 0
    assert described(project).connection.model_dump()["conn_id"] == "lis"


def test_the_password_stands_nowhere(project: Settings, laboratory: str, add: Add) -> None:
    done = add("lab", "--from", with_secret(laboratory), "--schema", "lab")
    assert done.exit_code == 0
    assert "WARDLAKE_CONN_LAB_DB" in done.output
    written = [path.read_text() for path in Path(project.project_root).rglob("*") if path.is_file()]
    assert SECRET not in done.output + "".join(written)


def test_a_server_that_is_not_there_is_told_without_the_password(add: Add) -> None:
    done = add("lab", "--from", f"postgresql://reader:{SECRET}@127.0.0.1:9/lab")
    assert "cannot be reached" in str(done.exception)
    assert done.exception is not None
    assert done.exception.__cause__ is None
    assert SECRET not in "".join(traceback.format_exception(done.exception))


def test_a_table_that_the_user_may_not_read_is_left_out(project: Settings, laboratory: str, add: Add) -> None:
    role = f"reader_{abs(hash(laboratory))}"
    with psycopg.connect(laboratory) as connection:
        connection.execute(f"create role {role} login; grant usage on schema lab to {role}".encode())
        connection.execute(f"grant select on lab.result to {role}".encode())
    try:
        done = add("lab", "--from", laboratory.replace("postgres:@", f"{role}:@"), "--schema", "lab")
        assert list(described(project).tables) == ["result"], done.output
        assert "lab.order was left out: it could not be read" in done.output
    finally:
        with psycopg.connect(laboratory) as connection:
            connection.execute(f"drop owned by {role}; drop role {role}".encode())


def test_the_reference_hospital_is_described_as_its_makers_did(project: Settings, database: str, add: Add) -> None:
    with psycopg.connect(database) as connection:
        for script in ("hospital.sql", "hospital_keys.sql"):
            connection.execute((FOLDER / "ddl" / script).read_bytes())
    done = add("hospital", "--from", database)
    assert done.exit_code == 0, done.output
    found, declared = described(project, "hospital"), read_source(PROJECT_ROOT / "dags/sources/reference.yaml")
    assert set(found.tables) == set(declared.tables)
    for name, table in declared.tables.items():
        drafted = found.tables[name]
        assert (drafted.relation, drafted.keys) == (table.relation, table.keys)
        assert {column: spec.type for column, spec in drafted.columns.items()} == {
            column: spec.type for column, spec in table.columns.items()
        }
        open_ = [
            column for column, spec in drafted.columns.items()
            if spec.pii == "none" and table.columns[column].pii != "none"
        ]  # fmt: skip
        assert open_ == [], f"{name}: classed by the makers, drafted as none"
