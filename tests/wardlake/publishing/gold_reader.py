"""Reads two gold tables again and again, as a process of its own, until a file appears; prints what it saw as JSON.

Each line of the result is one reading: the publication's number and the rows of both tables, and the seconds it took.
An error ends the process with a traceback.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psycopg
import sqlalchemy

from wardlake.lake import Lake
from wardlake.settings import Settings, load_settings
from wardlake.warehouse.connection import create_s3_secret, extension_file

Seen = tuple[object, ...]
"""Smallest and largest number of a build, and rows, in `census` and in `costs`."""

TABLE = "select min(build), max(build), count(*) from {}"
BOTH = f"select * from ({TABLE}) as a, ({TABLE}) as b"
IN_SCHEMA = BOTH.format("gold.census", "gold.costs")


@contextmanager
def duckdb_file(settings: Settings) -> Iterator[Callable[[], Seen]]:
    def read() -> Seen:
        with duckdb.connect(str(settings.published_dir / "current" / "gold.duckdb"), read_only=True) as connection:
            return connection.execute(BOTH.format("census", "costs")).fetchall()[0]

    yield read


@contextmanager
def psycopg_client(settings: Settings) -> Iterator[Callable[[], Seen]]:
    """One statement."""
    assert settings.gold_postgres_uri
    with psycopg.connect(settings.gold_postgres_uri.get_secret_value(), autocommit=True) as connection:
        yield lambda: connection.execute(IN_SCHEMA).fetchall()[0]


@contextmanager
def sqlalchemy_client(settings: Settings) -> Iterator[Callable[[], Seen]]:
    """One transaction of two statements."""
    assert settings.gold_postgres_uri
    address = settings.gold_postgres_uri.get_secret_value().replace("postgresql://", "postgresql+psycopg://")
    engine = sqlalchemy.create_engine(address, isolation_level="REPEATABLE READ")

    def read() -> Seen:
        with engine.begin() as connection:
            seen = [connection.execute(sqlalchemy.text(TABLE.format(f"gold.{name}"))).one() for name in TABLES]
        return (*seen[0], *seen[1])

    yield read
    engine.dispose()


def record_of(settings: Settings) -> dict[str, dict[str, str]]:
    record = json.loads(Lake(settings).get(settings.bucket("gold"), "gold/_publications/current.json"))
    tables: dict[str, dict[str, str]] = record["tables"]
    return tables


@contextmanager
def duckdb_iceberg(settings: Settings) -> Iterator[Callable[[], Seen]]:
    with duckdb.connect() as connection:
        for extension in ("httpfs", "icu", "avro", "iceberg"):
            connection.execute(f"load '{extension_file(extension)}'")
        create_s3_secret(connection, settings)

        def read() -> Seen:
            tables = record_of(settings)
            scans = [f"iceberg_scan('{tables[name]['metadata_location']}')" for name in TABLES]
            return connection.execute(BOTH.format(*scans)).fetchall()[0]

        yield read


@contextmanager
def pyiceberg_client(settings: Settings) -> Iterator[Callable[[], Seen]]:
    from wardlake.publishing.iceberg import open_catalog  # noqa: PLC0415  slow to import

    catalog = open_catalog(settings)

    def read() -> Seen:
        tables = record_of(settings)
        seen: list[object] = []
        for name in TABLES:
            scan = catalog.load_table(("gold", name)).scan(snapshot_id=int(tables[name]["snapshot_id"]))
            builds = scan.to_arrow()["build"].to_pylist()
            seen += [min(builds), max(builds), len(builds)]
        return tuple(seen)

    yield read


TABLES = ("census", "costs")
READERS = {
    "duckdb": duckdb_file,
    "psycopg": psycopg_client,
    "sqlalchemy": sqlalchemy_client,
    "duckdb_iceberg": duckdb_iceberg,
    "pyiceberg": pyiceberg_client,
}


def main(kind: str, stop: Path) -> None:
    """Read until `stop` exists; says `ready` after the first reading."""
    readings: list[tuple[Seen, float]] = []
    with READERS[kind](load_settings()) as read:
        while not stop.exists():
            begun = time.monotonic()
            readings.append((read(), time.monotonic() - begun))
            if len(readings) == 1:
                print("ready", flush=True)
    print(json.dumps(readings))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
