"""The figures by which source and lake are compared notice a value that changed; DuckDB plays the source here."""

import duckdb
import pytest

from wardlake.bronze.checks import Dialect, figures_of
from wardlake.bronze.manifest import BronzeColumn
from wardlake.sources import Table

DIALECT = Dialect(quote=lambda name: f'"{name}"', whole="DECIMAL(38,0)", characters="length({})")
COLUMNS = {
    "id": "BIGINT", "small": "UTINYINT", "price": "DECIMAL(18,4)", "wide": "DECIMAL(38,10)", "name": "VARCHAR",
    "image": "BLOB", "urgent": "BOOLEAN", "born": "DATE",
}  # fmt: skip
ROWS = """
    (9223372036854775807, 255, 99999999999999.9999, 1, 'Grüße 😀', 'ab'::BLOB, true, DATE '2026-01-01'),
    (9223372036854775807, 1, -0.0001, NULL, '', ''::BLOB, false, NULL),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
"""


def table(**spec: object) -> Table:
    columns = {name: {"type": type_, "pii": "none"} for name, type_ in COLUMNS.items()}
    return Table.model_validate({"description": "Things.", "relation": "t", "keys": ["id"], "columns": columns, **spec})


def found(**changes: str) -> list[BronzeColumn]:
    return [BronzeColumn(name=name, type=type_) for name, type_ in (COLUMNS | changes).items()]


@pytest.fixture
def engine() -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect()
    engine.execute(f"CREATE TABLE t ({', '.join(f'{name} {type_}' for name, type_ in COLUMNS.items())})")
    engine.execute(f"INSERT INTO t VALUES {ROWS}")
    return engine


def differing(engine: duckdb.DuckDBPyConnection, lake: str) -> list[str]:
    """Names of the figures that differ between the table and what is in the lake."""
    figures = figures_of(table(), found(), DIALECT)
    source = engine.execute(f"SELECT {', '.join(figure.source_sql for figure in figures)} FROM t").fetchall()[0]
    compared = ", ".join(figure.check.lake_sql for figure in figures)
    arrived = engine.execute(f"SELECT {compared} FROM {lake}").fetchall()[0]
    return [
        figure.check.name
        for figure, there, here in zip(figures, source, arrived, strict=True)
        if (there or 0) != (here or 0)
    ]


def test_both_sides_agree_on_the_same_rows(engine: duckdb.DuckDBPyConnection) -> None:
    assert differing(engine, "t") == []


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        ("id - 1 AS id", ["sum of id"]),
        ("price - 0.0001 AS price", ["sum of price"]),
        ("nullif(name, '') AS name", ["values of name"]),
        ("coalesce(name, '') AS name", ["values of name"]),
        ("replace(name, 'ü', 'Ã¼') AS name", ["characters of name"]),
        ("image || image AS image", ["bytes of image"]),
        ("NOT urgent AS urgent", []),
        ("true AS urgent", ["values of urgent", "true values of urgent"]),
        ("NULL::DATE AS born", ["values of born"]),
    ],
)
def test_a_change_is_noticed(engine: duckdb.DuckDBPyConnection, change: str, noticed: list[str]) -> None:
    assert differing(engine, f"(SELECT * REPLACE ({change}) FROM t)") == noticed


def test_columns_that_bronze_does_not_have_as_the_source_has_them_are_not_compared() -> None:
    figures = figures_of(table(), [*found(small="INTEGER"), BronzeColumn(name="new", type="BIGINT")], DIALECT)
    names = {figure.check.name for figure in figures}
    assert not names & {"values of small", "sum of small", "values of new", "sum of new"}
    assert "sum of id" in names


def test_the_count_alone_can_be_chosen_and_columns_can_be_counted_only() -> None:
    assert figures_of(table(reconcile="count"), found(), DIALECT) == ()
    names = {figure.check.name for figure in figures_of(table(), found(), DIALECT, only_counted=["name"])}
    assert "values of name" in names
    assert "characters of name" not in names
