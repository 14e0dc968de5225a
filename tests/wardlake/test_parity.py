"""The same bronze on three real warehouses and an emulator: the reference hospital and, if it is there, MIMIC-III."""

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest
from pydantic import SecretStr
from tests.bigquery_emulator import bigquery_emulator
from tests.conftest import new_database

from wardlake.errors import PermanentError
from wardlake.reference import load_mimic3, load_reference
from wardlake.run import run
from wardlake.settings import Settings, Warehouse
from wardlake.sources import active_sources
from wardlake.warehouse import parity
from wardlake.window import Window

PATIENTS = 100
REAL_DATA = os.environ.get("WARDLAKE_REAL_DATA")
NOT_ON_THE_EMULATOR = {
    "gold.drug_cost_drivers": "reads silver.drug_costs",
    "gold.drug_costs_monthly": "reads silver.drug_costs",
    "gold.drug_price_history": "reads silver.drug_prices",
    "gold.encounter_drug_costs": "reads silver.drug_event_costs",
    "gold.monthly_patient_metrics": "decimals keep three digits",
    "gold.monthly_staffing_metrics": "reads silver.staff_hours",
    "gold.nursing_hours_daily": "reads silver.staff_hours",
    "silver.drug_costs": "reads silver.drug_event_costs",
    "silver.drug_event_costs": "reads silver.drug_prices",
    "silver.drug_prices": "decimals keep three digits",
    "silver.staff_hours": "decimals keep three digits",
}


@pytest.fixture(scope="module")
def warehouse_uri(postgres_server: str) -> Iterator[str]:
    """Address of a PostgreSQL database that sorts text by bytes."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("create database warehouse template template0 encoding 'UTF8' locale 'C'")
    yield postgres_server.replace("/postgres?", "/warehouse?")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("drop database warehouse with (force)")


@pytest.fixture(scope="module")
def hospital(module_settings: Settings, postgres_server: str, warehouse_uri: str) -> Iterator[Settings]:
    """A hospital whose bronze is extracted and judged."""
    sources = ("reference", "reference_pharmacy", *(("mimic3",) if REAL_DATA else ()))
    with new_database(postgres_server) as reference, new_database(postgres_server) as mimic3:
        addresses = {"reference_db": reference, "mimic3_db": mimic3, "postgres_warehouse": warehouse_uri}
        settings = module_settings.model_copy(
            update={
                "sources": sources,
                "connections": {name: SecretStr(address) for name, address in addresses.items()},
            }
        )
        load_reference(settings, reference, patients=PATIENTS)
        if REAL_DATA:
            load_mimic3(mimic3, Path(REAL_DATA) / "mimic3_demo")
        run(settings, active_sources(settings), Window.parse("2026-01-01/2026-01-02"))
        yield settings


@pytest.fixture(scope="module", autouse=True)
def _quick_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Spark for little data: it compiles less, which takes longer here than all that it runs."""
    folder = tmp_path_factory.mktemp("spark")
    (folder / "spark-defaults.conf").write_text(
        "spark.sql.codegen.wholeStage false\nspark.sql.adaptive.enabled false\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield


@pytest.fixture(scope="module")
def on_duckdb(hospital: Settings) -> Path:
    return parity.build_each(hospital, ["duckdb"])["duckdb"]


@pytest.mark.parametrize("warehouse", ["postgres", "spark"])
def test_every_cell_is_the_same(hospital: Settings, on_duckdb: Path, warehouse: Warehouse) -> None:
    built = {"duckdb": on_duckdb, **parity.build_each(hospital, [warehouse])}
    cells, differences = parity.compare(hospital, built)
    assert differences == []
    assert cells > (1_000_000 if REAL_DATA else 300_000)


def test_what_the_emulator_of_bigquery_cannot_do_is_known(
    hospital: Settings, on_duckdb: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with bigquery_emulator(tmp_path_factory.mktemp("bigquery")) as address:
        connections = {**hospital.connections, "bigquery_warehouse": SecretStr(address)}
        there = hospital.model_copy(update={"connections": connections})
        built = parity.build_each(there, ["bigquery"])
    cells, differences = parity.compare(hospital, {"duckdb": on_duckdb, **built})
    assert {one.table for one in differences} == NOT_ON_THE_EMULATOR.keys()
    assert cells > (1_000_000 if REAL_DATA else 300_000)


def table(path: Path, rows: str) -> Path:
    """A warehouse with one gold table."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema gold")
        connection.execute(
            f"create table gold.prices as select * from (values {rows}) as t (drug, price) order by random()"
        )
    return path


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ("('a', 1.50), ('b', null), ('b', null)", []),
        ("('a', 1.51), ('b', null), ('b', null)", [("price", "1")]),
        ("('a', 1.50), ('b', null)", [("drug", "1"), ("price", "1")]),
        ("('b', 1.50), ('a', null), ('b', null)", [("(combination)", "2")]),
        ("('a', 1.500), ('b', null), ('b', null)", [("price", "missing, or of another type")]),
    ],
    ids=["other order", "one cell", "a duplicate is missing", "cells are swapped", "another scale"],
)
def test_what_differs_is_named(settings: Settings, tmp_path: Path, found: str, told: list[tuple[str, str]]) -> None:
    built: dict[Warehouse, Path] = {
        "duckdb": table(tmp_path / "expected.duckdb", "('a', 1.50), ('b', null), ('b', null)"),
        "postgres": table(tmp_path / "found.duckdb", found),
    }
    cells, differences = parity.compare(settings, built)
    assert cells == 6
    assert [(one.column, one.told) for one in differences] == told


def test_a_database_that_cannot_hold_all_text_is_refused(settings: Settings, postgres_server: str) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("create database latin template template0 encoding 'LATIN1' locale 'C'")
    try:
        address = SecretStr(postgres_server.replace("/postgres?", "/latin?"))
        there = settings.model_copy(update={"connections": {"postgres_warehouse": address}})
        with pytest.raises(PermanentError, match="store it as UTF8, not LATIN1"):
            parity.build_each(there, ["postgres"])
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute("drop database latin with (force)")


@pytest.mark.parametrize("listed", ["duckdb", "duckdb,oracle", ""])
def test_two_known_warehouses_are_needed(listed: str) -> None:
    with pytest.raises(PermanentError, match="Choose from duckdb, postgres, spark"):
        parity.named(listed)
