"""Separators of numbers are found, and the sample then holds plain numbers."""

from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardlake.onboard.conventions import CONVENTIONS, settle
from wardlake.onboard.found import create_text_sample


def written(number: Decimal, decimal: str, thousands: str) -> str:
    """A number as people of a country write it."""
    return f"{number:,}".replace(",", "t").replace(".", decimal).replace("t", thousands)


@settings(deadline=None, max_examples=60)
@given(
    convention=st.sampled_from(CONVENTIONS),
    numbers=st.lists(st.decimals(-99_999, 999_999, places=2), min_size=3, max_size=20),
)
def test_numbers_become_plain_whatever_the_convention(convention: tuple[str, str], numbers: list[Decimal]) -> None:
    rows = [(written(number, *convention), "text") for number in [*numbers, Decimal("1234567.89")]]
    with duckdb.connect() as engine:
        create_text_sample(engine, "sample", ["cost", "word"], rows)
        found = settle(engine, "sample", ["cost", "word"], 1)
        plain = engine.execute("SELECT cost FROM sample").fetchall()
    assert (found.spec.get("decimal", "."), found.spec["thousands"]) == convention
    assert found.spec["numbers"] == ["cost"]
    assert [Decimal(cost) for (cost,) in plain] == [*numbers, Decimal("1234567.89")]


@pytest.mark.parametrize(("prefers_comma", "plain"), [(False, "1234"), (True, "1.234")])
def test_what_a_lone_comma_means_depends_on_the_delimiter(
    engine: duckdb.DuckDBPyConnection, prefers_comma: bool, plain: str
) -> None:
    create_text_sample(engine, "sample", ["cost"], [("1,234",), ("5,678",)])
    settle(engine, "sample", ["cost"], 1, prefers_comma=prefers_comma)
    assert engine.execute("SELECT cost FROM sample").fetchall()[0] == (plain,)


def test_where_commas_are_decimal_a_point_is_a_thousand(engine: duckdb.DuckDBPyConnection) -> None:
    create_text_sample(engine, "sample", ["cost", "count"], [("1,50", "1.234"), ("2,75", "12")])
    found = settle(engine, "sample", ["cost", "count"], 1)
    assert found.spec == {"decimal": ",", "thousands": ".", "numbers": ["cost", "count"]}
    assert engine.execute("SELECT * FROM sample").fetchall() == [("1.50", "1234"), ("2.75", "12")]


def test_plain_numbers_codes_and_dates_are_left_alone(engine: duckdb.DuckDBPyConnection) -> None:
    rows = [("1.5", "0012", "01.02.2024", "1.2.3"), ("-2", "0345", "31.12.2024", "1.2.4")]
    create_text_sample(engine, "sample", ["number", "code", "day", "version"], rows)
    assert settle(engine, "sample", ["number", "code", "day", "version"], 1).spec == {}
    assert engine.execute("SELECT * FROM sample").fetchall() == rows
