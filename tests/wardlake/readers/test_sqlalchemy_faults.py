"""Databases behind SQLAlchemy that refuse, break off or hold what does not fit: an error and no batch."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from clinic import DAY
from laboratory import MANY, failure, incremental, result, rows, run, source_of, sqlite_file

from wardlake.bronze import batches
from wardlake.bronze.extract import extract_tables
from wardlake.bronze.readers import open_session
from wardlake.bronze.readers.arrow import batches as arrow_batches
from wardlake.bronze.relation import Opening, Request
from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.warehouse import connect

ID = result(id="INTEGER")


@pytest.mark.parametrize(
    ("address", "kind", "told"),
    [
        ("postgresql+psycopg://u:secret@127.0.0.1:9/x", PassingError, "cannot be reached or gave up"),
        ("mssql+mssqlpython://u:secret@127.0.0.1/x", PermanentError, "pip install mssql-python"),
        ("mssql+pymssql://u:secret@127.0.0.1/x", PermanentError, "pip install pymssql"),
        ("oracle+oracledb://u:secret@127.0.0.1/x", PermanentError, "pip install oracledb"),
        ("nosuch://u:secret@127.0.0.1/x", PermanentError, "is no SQLAlchemy URL"),
        ("postgresql+psycopg://u:secret@127.0.0.1:port/x", PermanentError, "is no SQLAlchemy URL"),
        ("secret", PermanentError, "is no SQLAlchemy URL"),
        ("sqlite:////nowhere/secret.db", PermanentError, "does not exist"),
    ],
)
def test_an_address_that_leads_nowhere(settings: Settings, address: str, kind: type, told: str) -> None:
    error = failure(settings, source_of(result=ID), address)
    assert isinstance(error, kind)
    assert told in str(error)
    assert str(error).startswith("lab: ")


def test_a_login_that_is_refused(settings: Settings, postgres: str) -> None:
    error = failure(settings, source_of(result=ID), postgres.replace("postgres:@", "nobody:secret@"))
    assert isinstance(error, PermanentError)
    assert "refused the login of connection 'lab_db'" in str(error)


def test_a_database_that_is_not_there(settings: Settings, postgres: str) -> None:
    error = failure(settings, source_of(result=ID), postgres.replace("/test_", "/nowhere_"))
    assert "database that connection 'lab_db' names does not exist" in str(error)


def test_a_table_or_a_cursor_that_is_not_there(settings: Settings, postgres: str) -> None:
    error = failure(settings, source_of(result=ID), postgres)
    assert "lab.result: the database has no table result that this user can see" in str(error)
    run(postgres, "create table result (id int)")
    error = failure(settings, source_of(result=incremental("changed", "TIMESTAMP")), postgres)
    assert "no column 'changed', which is its cursor" in str(error)


def test_a_table_that_the_user_may_not_read(settings: Settings, postgres: str) -> None:
    run(postgres, "create table result (id int)", "create role reader_of_nothing login")
    try:
        error = failure(settings, source_of(result=ID), postgres.replace("postgres:@", "reader_of_nothing@"))
    finally:
        run(postgres, "drop role reader_of_nothing")
    assert isinstance(error, PermanentError)
    assert "may not read result. GRANT SELECT ON result" in str(error)


def test_a_statement_that_takes_too_long(settings: Settings, postgres: str) -> None:
    run(postgres, "create view result as select 1 as id, pg_sleep(30)::text as note")
    source = source_of({"statement_timeout_s": 1}, result=result(id="INTEGER", note="VARCHAR"))
    error = failure(settings, source, postgres)
    assert isinstance(error, PassingError), "the task tries again, as it does for PostgreSQL's own reader"
    assert "took longer than 'statement_timeout_s'" in str(error)


BREAKS_OFF = """
    create function break_off(id int) returns text language plpgsql volatile as $$
    begin
        if id = 500 then perform pg_terminate_backend(pg_backend_pid()); end if;
        return 'secret';
    end $$
"""


def test_a_connection_that_breaks_in_mid_stream_passes_and_the_next_table_is_read(
    settings: Settings, postgres: str
) -> None:
    run(
        postgres,
        BREAKS_OFF,
        "create view result as select i as id, break_off(i) as note from generate_series(1, 1000) i",
        "create table twin as select 1 as id",
    )
    source = source_of(result=result(id="INTEGER", note="VARCHAR"), twin=result("twin", id="INTEGER"))
    ended = extract_tables(settings, source, ["result", "twin"], DAY, postgres)
    error = ended["result"]
    assert isinstance(error, PassingError)
    assert "lab.result: the database of connection 'lab_db' cannot be reached or gave up after row" in str(error)
    assert "secret" not in str(error)
    assert batches(settings, Lake(settings), "lab", "result") == []
    assert rows(settings, source, "twin") == [(1,)]


def test_a_query_that_fails_leaves_the_moment_to_the_next_table(
    settings: Settings, postgres: str, tmp_path: Path
) -> None:
    run(postgres, "create table result (id int, note text)", MANY, "create table twin (id int)")
    source = source_of(
        {"batch_rows": 100}, result=result(id="INTEGER", note="VARCHAR"), twin=result("twin", id="INTEGER")
    )
    with connect(settings) as engine, open_session(Opening(settings, Lake(settings), source, postgres, engine)) as look:
        relation = look.read(Request("result", "batch", DAY, tmp_path))
        with pytest.raises(duckdb.Error, match="enough"):
            engine.execute(f"select if(id = 500, error('enough'), id) from ({relation.chunks[0]})").fetchall()
        run(postgres, "insert into twin values (1)")
        twin = look.read(Request("twin", "batch", DAY, tmp_path))
        assert engine.execute(twin.chunks[0]).fetchall() == []


@pytest.mark.parametrize(
    ("type_", "contract", "value"),
    [
        ("numeric", "DECIMAL(38,10)", "1.23456789012"),
        ("numeric", "DECIMAL(5,0)", "123456"),
        ("numeric(5,2)", "DECIMAL(5,2)", "'NaN'"),
        ("timestamp", "TIMESTAMP", "'infinity'"),
    ],
)
def test_a_value_that_its_type_cannot_hold(
    settings: Settings, postgres: str, type_: str, contract: str, value: str
) -> None:
    run(postgres, f"create table result (id int, value {type_})", f"insert into result values (1, null), (2, {value})")
    error = failure(settings, source_of(result=result(id="INTEGER", value=contract)), postgres)
    assert isinstance(error, PermanentError)
    if type_ != "timestamp":
        assert "column 'value' holds a value that is no decimal128" in str(error)
        assert "in row 2" in str(error)
    assert value.strip("'") not in str(error)


@pytest.mark.parametrize(("column", "value"), [("id", "'secret'"), ("id", "1.5"), ("note", "x'00'")])
def test_a_value_of_another_type_than_its_column_is_named_by_row(
    settings: Settings, tmp_path: Path, column: str, value: str
) -> None:
    address = sqlite_file(
        tmp_path,
        "create table result (id int, note varchar)",
        "insert into result values (1, 'a')",
        f"insert into result ({column}) values ({value})",
    )
    error = failure(settings, source_of(result=result(id="BIGINT", note="VARCHAR")), address)
    assert f"column '{column}' holds a value that is no" in str(error)
    assert "in row 2" in str(error)


def test_a_value_that_changed_on_the_way_is_found(
    settings: Settings, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(postgres, "create table result (id int, note text)", "insert into result values (1, 'abc')")
    source = source_of(result=result(id="INTEGER", note="VARCHAR"))
    whole: Callable[..., object] = arrow_batches.pa.array

    def cut(values: list[object], type: object) -> object:
        return whole([value[:1] if isinstance(value, str) else value for value in values], type=type)

    monkeypatch.setattr(arrow_batches.pa, "array", cut)
    assert "disagree on characters of note" in str(failure(settings, source, postgres))
