"""The SQL that is sent to databases which cannot run here (SQL Server, Oracle), and how rows become batches."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import MagicMock

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import types
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql
from sqlalchemy.engine import Dialect

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.arrow.batches import BATCH_BYTES, BatchSize, UnfitError, batch_of
from wardlake.bronze.readers.arrow.columns import Column, column_of
from wardlake.bronze.readers.arrow.moment import begin, connect_arguments
from wardlake.bronze.readers.arrow.queries import facts_of, figures_of, rows_of
from wardlake.bronze.reading import EVERYTHING, Reading
from wardlake.settings import PROJECT_ROOT
from wardlake.sources import Table, read_source

DIALECTS: dict[str, Dialect] = {"mssql": mssql.dialect(), "oracle": oracle.dialect()}
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


def compiled(statement: sa.Select[Any], dialect: str) -> str:
    return " ".join(str(statement.compile(dialect=DIALECTS[dialect])).split())


def columns_of(dialect: str, **found: types.TypeEngine[Any]) -> list[Column]:
    return [column_of(name, type_, dialect, None) for name, type_ in found.items()]


def test_sql_server_reads_a_window_by_times_in_text_and_quotes_with_brackets() -> None:
    columns = columns_of("mssql", **{"Res Id": mssql.BIGINT(), "changed": mssql.DATETIMEOFFSET()})
    reading = Reading("changed", START, END, START, END)
    assert compiled(rows_of("lab.Order", columns, reading, None, "mssql"), "mssql") == (
        "SELECT [Res Id] AS [Res Id], changed AS changed FROM lab.[Order] WHERE changed >= CAST(:param_1 AS "
        "DATETIMEOFFSET(6)) AND changed < CAST(:param_2 AS DATETIMEOFFSET(6)) OR changed IS NULL"
    )


def test_oracle_reads_times_with_zone_in_utc_as_its_driver_drops_the_zone() -> None:
    columns = columns_of("oracle", res_id=oracle.NUMBER(10, 0), changed=oracle.TIMESTAMP(timezone=True))
    statement = rows_of("lab.result", columns, Reading("changed", START, None, START, END), None, "oracle")
    assert compiled(statement, "oracle") == (
        "SELECT res_id AS res_id, sys_extract_utc(CAST(changed AS TIMESTAMP WITH TIME ZONE)) AS changed "
        "FROM lab.result WHERE sys_extract_utc(CAST(changed AS TIMESTAMP WITH TIME ZONE)) >= :param_1 OR "
        "sys_extract_utc(CAST(changed AS TIMESTAMP WITH TIME ZONE)) IS NULL"
    )
    (bound,) = statement.compile(dialect=DIALECTS["oracle"]).params.values()
    assert bound == START.replace(tzinfo=None)
    batch = batch_of(columns, [(1, bound)], 0)
    assert batch.to_pylist() == [{"res_id": Decimal(1), "changed": START}]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_keys_and_numbers(dialect: str) -> None:
    columns = columns_of(dialect, id=types.BIGINT(), seq=types.BIGINT())
    reading = Reading("seq", lower=Decimal(7))
    for wanted, selected in (("id",), "id"), (None, "id, seq"):
        statement = rows_of("lab.result", columns, reading, wanted, dialect)
        told = compiled(statement, dialect).replace(" AS id", "").replace(" AS seq", "")
        assert told == f"SELECT {selected} FROM lab.result WHERE seq >= :param_1 OR seq IS NULL"
        assert list(statement.compile().params.values()) == [7]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_sums_are_widened_before_they_overflow(dialect: str) -> None:
    columns = columns_of(dialect, id=types.NUMERIC(10, 0), price=types.NUMERIC(9, 2), note=types.VARCHAR(9))
    found = [BronzeColumn(name=column.name, type=type_) for column, type_ in zip(columns, ("I", "D", "V"), strict=True)]
    spec = {column.name: {"type": column.type, "pii": "none"} for column in found}
    table = Table.model_validate({"description": "", "relation": "result", "keys": ["id"], "columns": spec})
    figures = figures_of(table, columns, found, dialect)
    statement = facts_of("result", columns, EVERYTHING, [figure.expression for figure in figures], dialect)
    told = compiled(statement, dialect)
    for figure in ("count(*)", "count(id)", "sum(CAST(id AS NUMERIC(38, 0)))", "sum(CAST(price AS NUMERIC(38, 2)))"):
        assert figure in told
    assert [figure.check.name for figure in figures][-1] == "values of note"
    assert figures[3].whole(Decimal("-12.5")) == -1250
    assert figures[1].whole(Decimal(7)) == 7
    assert figures[3].whole(None) is None
    unchecked = table.model_copy(update={"reconcile": "count"})
    assert figures_of(unchecked, columns, found, dialect) == ()


def begun(name: str, scalar: object = None, **driver: object) -> tuple[list[str], MagicMock]:
    connection = MagicMock()
    connection.dialect.name = name
    connection.exec_driver_sql.return_value.scalar.return_value = scalar
    connection.connection.driver_connection = MagicMock(spec_set=list(driver), **driver)
    begin(connection, 600)
    return [call.args[0] for call in connection.exec_driver_sql.call_args_list], connection


@pytest.mark.parametrize(("allowed", "levels"), [(1, [{"isolation_level": "SNAPSHOT"}]), (0, [])])
def test_sql_server_shows_one_moment_if_the_database_allows_it(allowed: int, levels: Sequence[object]) -> None:
    statements, connection = begun("mssql", scalar=allowed, timeout=0)
    assert statements[0] == "SET LOCK_TIMEOUT 600000"
    assert [call.kwargs for call in connection.execution_options.call_args_list] == levels
    assert connection.connection.driver_connection.timeout == 600


def test_oracle_begins_a_read_only_transaction_and_limits_each_call() -> None:
    statements, connection = begun("oracle", call_timeout=0)
    assert statements == ["SET TRANSACTION READ ONLY"]
    assert connection.connection.driver_connection.call_timeout == 600_000


def test_drivers_do_not_wait_for_ever() -> None:
    assert connect_arguments("oracledb", 600) == {"tcp_connect_timeout": 10}
    assert connect_arguments("pymssql", 600) == {"login_timeout": 10, "timeout": 600}
    assert connect_arguments("of_somebody", 600) == {}


@pytest.mark.parametrize(
    ("dialect", "found", "arrow"),
    [
        ("mssql", mssql.TINYINT(), pa.uint8()),
        ("mssql", mssql.MONEY(), pa.decimal128(19, 4)),
        ("mssql", mssql.DATETIME2(7), pa.timestamp("us")),
        ("mssql", mssql.DATETIMEOFFSET(), pa.timestamp("us", tz="UTC")),
        ("mssql", mssql.BIT(), pa.bool_()),
        ("mssql", mssql.UNIQUEIDENTIFIER(), pa.uuid()),
        ("mssql", mssql.ROWVERSION(), pa.large_binary()),
        ("mssql", mssql.NVARCHAR(None), pa.large_string()),
        ("mssql", mssql.XML(), pa.large_string()),
        ("mssql", mssql.SQL_VARIANT(), pa.large_string()),
        ("mssql", mssql.REAL(), pa.float64()),
        ("oracle", oracle.NUMBER(), pa.decimal128(38, 10)),
        ("oracle", oracle.NUMBER(5, -2), pa.decimal128(7, 0)),
        ("oracle", oracle.NUMBER(2, 5), pa.decimal128(5, 5)),
        ("oracle", types.INTEGER(), pa.decimal128(38, 0)),
        ("oracle", oracle.DATE(), pa.timestamp("us")),
        ("oracle", oracle.TIMESTAMP(local_timezone=True), pa.timestamp("us", tz="UTC")),
        ("oracle", oracle.CLOB(), pa.large_string()),
        ("oracle", oracle.RAW(16), pa.large_binary()),
        ("oracle", oracle.INTERVAL(), pa.duration("us")),
        ("oracle", oracle.BINARY_DOUBLE(), pa.float64()),
        ("oracle", oracle.ROWID(), pa.large_string()),
        ("mysql", mysql.BIGINT(unsigned=True), pa.uint64()),
        ("mysql", mysql.TINYINT(1), pa.int8()),
        ("postgresql", postgresql.TIME(timezone=True), pa.large_string()),
        ("other", types.NullType(), pa.large_string()),
    ],
)
def test_types_of_other_databases(dialect: str, found: types.TypeEngine[Any], arrow: pa.DataType) -> None:
    assert column_of("c", found, dialect, None).arrow == arrow


@given(st.lists(st.integers(1, BATCH_BYTES * 2), min_size=1, max_size=20), st.integers(1, 100_000))
def test_batches_grow_to_a_size_and_shrink_again_when_rows_are_wide(widths: list[int], limit: int) -> None:
    size = BatchSize([column_of("note", types.VARCHAR(10), "mssql", None)], limit)
    for number, width in enumerate(widths):
        size.learn(MagicMock(nbytes=width * size.rows, num_rows=size.rows))
        assert 1 <= size.rows <= limit
        assert size.rows == 1 or size.rows * max(widths[: number + 1]) <= BATCH_BYTES


def test_text_without_a_length_is_fetched_a_few_rows_at_a_time() -> None:
    size = BatchSize([column_of("note", mssql.NVARCHAR(None), "mssql", None)], 50_000)
    size.learn(MagicMock(nbytes=1000, num_rows=100))
    assert size.rows == 512


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (types.INTEGER(), 2**31),
        (types.INTEGER(), True),
        (types.INTEGER(), 1.0),
        (types.BOOLEAN(), 1),
        (types.DATE(), datetime(2026, 1, 1, tzinfo=UTC)),
        (types.TIMESTAMP(), datetime(2026, 1, 1, tzinfo=UTC)),
        (types.TIMESTAMP(timezone=True), datetime.fromisoformat("2026-01-01")),
        (types.NUMERIC(3, 1), Decimal("1.25")),
        (types.NUMERIC(3, 1), 1.5),
        (types.VARCHAR(9), b"bytes"),
        (types.VARCHAR(9), "half of a pair \ud800"),
        (types.LargeBinary(), "text"),
    ],
)
def test_a_value_that_would_have_to_change_is_refused(found: types.TypeEngine[Any], value: object) -> None:
    with pytest.raises(UnfitError, match=r"column 'c' holds a value that is no .* in row 12$"):
        batch_of([column_of("c", found, "mssql", None)], [(None,), (value,)], before=10)


@pytest.mark.parametrize("name", ["lab_sqlserver", "theatre_oracle", "research_adbc"])
def test_the_examples_of_the_docs_are_sources(name: str) -> None:
    source = read_source(PROJECT_ROOT / "docs" / "sources" / "examples" / f"{name}.yaml")
    assert source.connection.kind in ("sqlalchemy", "adbc")


def test_what_no_rule_knows_becomes_text() -> None:
    column = column_of("c", types.NullType(), "mssql", None)
    values = [(None,), ("text",), (b"\x00\xff",), ({"ä": [1]},), (Decimal("1E+2"),), (7,)]
    assert batch_of([column], values, 0).column(0).to_pylist() == [None, "text", "00ff", '{"ä": [1]}', "100", "7"]
