"""Whatever a client is, it reads the same gold, cell by cell."""

from collections.abc import Iterator
from datetime import UTC

import duckdb
import psycopg
import pyarrow as pa
import pytest
import sqlalchemy
from psycopg.conninfo import conninfo_to_dict
from publishing_warehouse import WARDS, new_build, record_of

from wardlake.publish import Publication, publish
from wardlake.publishing.iceberg import PUBLICATION_ID, open_catalog
from wardlake.settings import Settings
from wardlake.warehouse.connection import create_s3_secret, extension_file

TABLES = {"wards": WARDS, "nothing": "select * from (values (1::bigint, 'x')) as t (n, text) where n = 0"}
Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def hospital(module_hospital: Settings) -> Settings:
    """A hospital that these tests only read."""
    return module_hospital


@pytest.fixture(scope="module")
def published(hospital: Settings) -> Publication:
    """Its publication."""
    new_build(hospital, tables=TABLES)
    return publish(hospital)


@pytest.fixture
def iceberg_engine(hospital: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with its Iceberg extension, which shares no code with PyIceberg."""
    with duckdb.connect() as connection:
        for extension in ("httpfs", "icu", "avro", "iceberg"):
            connection.execute(f"load '{extension_file(extension)}'")
        connection.execute("set TimeZone = 'UTC'")
        create_s3_secret(connection, hospital)
        yield connection


def of_duckdb(settings: Settings, table: str) -> Rows:
    with duckdb.connect(str(settings.published_dir / "current" / "gold.duckdb"), read_only=True) as connection:
        connection.execute(f"load '{extension_file('icu')}'")
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(f"from {table} order by all").fetchall()


def in_order(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: [(value is not None, value) for value in row])


def in_utc(rows: Rows) -> Rows:
    """Instants in UTC, whatever zone a client shows them in."""
    return [tuple(v.astimezone(UTC) if getattr(v, "tzinfo", None) else v for v in row) for row in rows]


@pytest.mark.parametrize("table", ["census", "costs", "wards", "nothing"])
def test_every_client_reads_the_same_cells(
    hospital: Settings, published: Publication, iceberg_engine: duckdb.DuckDBPyConnection, table: str
) -> None:
    expected = in_order(in_utc(of_duckdb(hospital, table)))
    assert len(expected) == published.tables[f"gold.{table}"]
    assert hospital.gold_postgres_uri
    address = hospital.gold_postgres_uri.get_secret_value()
    with psycopg.connect(address) as connection:
        assert in_order(in_utc(connection.execute(f"select * from gold.{table}").fetchall())) == expected, "psycopg"
    engine = sqlalchemy.create_engine("postgresql+psycopg://", connect_args=conninfo_to_dict(address))
    with engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text(f"select * from gold.{table}")).all()
        assert in_order(in_utc([tuple(row) for row in rows])) == expected, "SQLAlchemy"
    engine.dispose()
    scan = open_catalog(hospital).load_table(("gold", table)).scan().to_arrow()
    assert in_order(in_utc([tuple(row.values()) for row in scan.to_pylist()])) == expected, "PyIceberg"
    location = record_of(hospital)["tables"][table]["metadata_location"]
    rows = iceberg_engine.execute(f"select * from iceberg_scan('{location}')").fetchall()
    assert in_order(in_utc(rows)) == expected, "DuckDB's iceberg"


def test_types_are_exact_in_iceberg_and_postgres(hospital: Settings, published: Publication) -> None:
    schema = open_catalog(hospital).load_table(("gold", "wards")).scan().to_arrow().schema
    assert schema.field("cost").type == pa.decimal128(18, 2)
    assert schema.field("rate").type == pa.decimal128(18, 4)
    assert schema.field("seen_at").type == pa.timestamp("us", tz="UTC")
    assert hospital.gold_postgres_uri
    with psycopg.connect(hospital.gold_postgres_uri.get_secret_value()) as connection:
        types = dict(
            connection.execute(
                "select attname, format_type(atttypid, atttypmod) from pg_attribute "
                "where attrelid = 'gold.wards'::regclass and attnum > 0"
            ).fetchall()
        )
    assert (types["cost"], types["rate"]) == ("numeric(18,2)", "numeric(18,4)")
    assert types["seen_at"] == "timestamp with time zone"


def test_descriptions_reach_every_place(hospital: Settings, published: Publication) -> None:
    told = ("What 'census' means.", "The build's number. Formula: n. Unit: none.")
    with duckdb.connect(str(hospital.published_dir / "current" / "gold.duckdb"), read_only=True) as connection:
        table = connection.execute("select comment from duckdb_tables() where table_name = 'census'").fetchone()
        column = connection.execute(
            "select comment from duckdb_columns() where table_name = 'census' and column_name = 'build'"
        ).fetchone()
    assert (*(table or ()), *(column or ())) == told
    iceberg = open_catalog(hospital).load_table(("gold", "census"))
    assert (iceberg.properties["comment"], iceberg.schema().find_field("build").doc) == told
    assert hospital.gold_postgres_uri
    with psycopg.connect(hospital.gold_postgres_uri.get_secret_value()) as connection:
        assert (
            connection.execute(
                "select obj_description('gold.census'::regclass), col_description('gold.census'::regclass, 1)"
            ).fetchone()
            == told
        )


def test_every_place_says_which_publication_it_shows(hospital: Settings, published: Publication) -> None:
    assert record_of(hospital)["publication_id"] == published.publication_id
    table = open_catalog(hospital).load_table(("gold", "census"))
    snapshot = table.current_snapshot()
    assert snapshot
    assert snapshot.summary
    assert snapshot.summary[PUBLICATION_ID] == published.publication_id
    assert table.format_version == 2
    assert table.metadata.refs[published.publication_id].snapshot_id == snapshot.snapshot_id
    assert hospital.gold_postgres_uri
    with psycopg.connect(hospital.gold_postgres_uri.get_secret_value()) as connection:
        assert connection.execute("select publication_id, build_id from gold.publication").fetchall() == [
            (published.publication_id, published.build_id)
        ]
    assert set(published.places) == {"duckdb", "iceberg", "postgres"}
