"""The same rows out of a source in several ways: rows per second, and the greatest memory of the process.

    python benchmarks/extract.py [--rows N] [--repeats N] [--large N] [--only postgres] [--json FILE]

PostgreSQL: Wardlake to S3, against COPY in binary to nowhere, ADBC to S3, dlt to the local disk and Airflow's
SqlToS3Operator. MariaDB: Wardlake to S3 against its own client's dump to nowhere. Files: Wardlake to S3 against DuckDB
reading the same CSV file. Everything runs on this machine and shares its cores: the database and the S3 server too.
Each way runs in a process of its own, in turn with the others; the median of the repeats counts (dlt and
SqlToS3Operator run once). `--large` extracts a table of that size as well and compares the memory.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import boto3
import psycopg
import typer
from mariadb_server import DATABASE, PASSWORD, USER, mariadb, run
from report import tell

from wardlake.embedded import postgres, stack
from wardlake.embedded.credentials import credential
from wardlake.embedded.ports import LOOPBACK, any_free_port, is_free
from wardlake.lake import Lake
from wardlake.settings import Settings, load_settings

BUCKET = "benchmark"
POSTGRES_PORT = 5432
QUICK = ("copy", "adbc")
SLOW = ("dlt_pyarrow", "dlt_connectorx", "pandas")
TARGETS = {"copy": 1.5, "adbc": 2.5, "dlt": 8.0, "pandas": 8.0, "mariadb": 0.8, "csv": 0.8}
MEMORY_LIMIT_MB = 600
COLUMNS = {
    "stay_id": "BIGINT",
    "patient_no": "INTEGER",
    "ward_cd": "VARCHAR",
    "drug_name": "VARCHAR",
    "quantity": "DECIMAL(12,2)",
    "unit_price": "DECIMAL(12,4)",
    "given_on": "DATE",
    "given_at": "TIMESTAMP",
    "recorded_at": "TIMESTAMP WITH TIME ZONE",
    "is_return": "BOOLEAN",
}
TABLE = """
create schema if not exists bench;
create table bench.{table} (
    stay_id bigint primary key, patient_no integer, ward_cd varchar(8), drug_name text, quantity numeric(12, 2),
    unit_price numeric(12, 4), given_on date, given_at timestamp, recorded_at timestamptz, is_return boolean
);
insert into bench.{table}
select
    i, (i * 7919) % 1000000, 'W' || lpad((i % 57)::text, 3, '0'), 'drug ' || md5((i % 2000)::text),
    (i % 997) / 4.0, (i % 9973) / 16.0, date '2020-01-01' + (i / 2800)::int,
    timestamp '2020-01-01' + i * interval '31 seconds', timestamptz '2020-01-01Z' + i * interval '31.5 seconds',
    i % 50 = 0
from generate_series(1::bigint, {rows}) i;
"""

MARIADB_TABLE = (
    f"""
    CREATE TABLE {DATABASE}.dose (
        stay_id BIGINT PRIMARY KEY, patient_no INT, ward_cd VARCHAR(8), drug_name TEXT, quantity DECIMAL(12, 2),
        unit_price DECIMAL(12, 4), given_on DATE, given_at DATETIME, recorded_at DATETIME(6), is_return TINYINT
    )
    """,
    f"""
    INSERT INTO {DATABASE}.dose
    SELECT
        seq, (seq * 7919) % 1000000, CONCAT('W', LPAD(seq % 57, 3, '0')), CONCAT('drug ', MD5(seq % 2000)),
        (seq % 997) / 4, (seq % 9973) / 16, DATE '2020-01-01' + INTERVAL seq DIV 2800 DAY,
        TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq * 31 SECOND,
        TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq * 32 SECOND, seq % 50 = 0
    FROM seq_1_to_{{rows}}
    """,
    f"ANALYZE TABLE {DATABASE}.dose",
)


@dataclass
class Result:
    """What a way took, run by run."""

    seconds: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)

    @property
    def typical(self) -> float:
        """Median of the seconds."""
        return statistics.median(self.seconds)


def main(
    rows: Annotated[int, typer.Option(help="Rows of the table.")] = 5_000_000,
    repeats: Annotated[int, typer.Option(help="Runs of the quick ways.")] = 3,
    large: Annotated[int, typer.Option(help="Rows of a larger table; 0: none.")] = 0,
    only: Annotated[list[str] | None, typer.Option(help="postgres, mariadb or csv; all if left out.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here as well.")] = None,
) -> None:
    """Load the sources, run the ways in turn, and print the ratios."""
    wanted = only or ["postgres", "mariadb", "csv"]
    facts: dict[str, object] = {}
    table: list[dict[str, object]] = []
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="wardlake-benchmark-") as folder:
        home = Path(folder) / "home"
        os.environ["WARDLAKE_HOME"] = str(home)
        try:
            settings = _start()
            if "postgres" in wanted:
                ratios |= _postgres(settings, Path(folder), rows, repeats, large, table, facts)
            if "mariadb" in wanted:
                ratios |= _mariadb(settings, Path(folder), rows, repeats, table)
            if "csv" in wanted:
                ratios |= _csv(settings, Path(folder), rows, repeats, table)
        finally:
            stack.down(home)
    missed = {name: TARGETS[name] for name, ratio in ratios.items() if ratio < TARGETS[name]}
    tell(f"{rows:,} rows", table, {"ratios": ratios, "targets": TARGETS, "missed": missed, **facts}, json_file)
    raise SystemExit(bool(missed))


def _start() -> Settings:
    settings = load_settings()
    if not is_free(POSTGRES_PORT):
        raise SystemExit(f"Port {POSTGRES_PORT} of {LOOPBACK} is taken; stop what listens there, then run again.")
    postgres.OPTIONS["listen_addresses"] = LOOPBACK  # not every way can read from a Unix socket
    ports = stack.start_servers(settings, lambda _: None)
    settings = stack.save_settings(settings, ports, ())
    Lake(settings).ensure_buckets()
    secret = settings.s3_secret_access_key
    boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
    ).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": settings.s3_region})  # type: ignore[typeddict-item]
    return settings


def _postgres(
    settings: Settings,
    folder: Path,
    rows: int,
    repeats: int,
    large: int,
    table: list[dict[str, object]],
    facts: dict[str, object],
) -> dict[str, float]:
    password = credential(settings.home, "postgres-hospital")
    uri = f"postgresql://hospital:{password}@{LOOPBACK}:{POSTGRES_PORT}/hospital"
    for name, count in {"dose": rows, **({"dose_large": large} if large else {})}.items():
        _say(f"Loading {count:,} rows into PostgreSQL")
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(TABLE.format(table=name, rows=count))
            connection.execute(f"vacuum (analyze) bench.{name}")
    results = _in_turn(settings, folder, _table_order(uri, "dose"), ("wardlake", *QUICK), repeats)
    results |= _in_turn(settings, folder, _table_order(uri, "dose"), SLOW, 1)
    for way, result in results.items():
        table.append(_row("PostgreSQL", way, rows, result))
    own = results["wardlake"]
    facts["peak_mb"] = max(own.peak_mb)
    if large:
        grown = _in_turn(settings, folder, _table_order(uri, "dose_large"), ("wardlake",), 1)["wardlake"]
        table.append(_row("PostgreSQL", f"wardlake, {large:,} rows", large, grown))
        facts |= {"large_peak_mb": max(grown.peak_mb), "memory_ratio": max(grown.peak_mb) / max(own.peak_mb)}
    dlt = min(results["dlt_pyarrow"].typical, results["dlt_connectorx"].typical)
    seconds = {"copy": results["copy"].typical, "adbc": results["adbc"].typical, "dlt": dlt}
    seconds["pandas"] = results["pandas"].typical
    return {name: taken / own.typical for name, taken in seconds.items()}


def _mariadb(
    settings: Settings, folder: Path, rows: int, repeats: int, table: list[dict[str, object]]
) -> dict[str, float]:
    port, place = any_free_port(), folder / "mariadb"
    place.mkdir()
    with mariadb(place, port) as socket:
        _say(f"Loading {rows:,} rows into MariaDB")
        run(socket, *(statement.format(rows=rows) for statement in MARIADB_TABLE))
        columns = COLUMNS | {"recorded_at": "TIMESTAMP", "is_return": "TINYINT"}
        order = {
            "source": _source({"kind": "mysql", "conn_id": "benchmark_db"}, {"relation": f"{DATABASE}.dose"}, columns),
            "uri": f"mysql://{USER}:{PASSWORD}@{LOOPBACK}:{port}/{DATABASE}",
            "relation": f"{DATABASE}.dose",
        }
        results = _in_turn(settings, folder, order, ("wardlake", "mariadb_dump"), repeats)
    for way, result in results.items():
        table.append(_row("MariaDB", way, rows, result))
    return {"mariadb": results["mariadb_dump"].typical / results["wardlake"].typical}


def _csv(settings: Settings, folder: Path, rows: int, repeats: int, table: list[dict[str, object]]) -> dict[str, float]:
    file = folder / "landing" / "doses.csv"
    file.parent.mkdir()
    _say(f"Writing {rows:,} rows as CSV")
    _write_csv(file, rows)
    order = {
        "source": _source(
            {"kind": "folder", "path": str(file.parent)},
            {"files": {"pattern": "*.csv", "format": "csv", "settle_s": 0}, "mode": "append"},
            dict.fromkeys(COLUMNS, "VARCHAR"),
        ),
        "file": str(file),
    }
    results = _in_turn(settings, folder, order, ("wardlake", "duckdb_csv"), repeats)
    for way, result in results.items():
        table.append(_row("CSV file", way, rows, result))
    return {"csv": results["duckdb_csv"].typical / results["wardlake"].typical}


def _write_csv(path: Path, rows: int) -> None:
    import duckdb  # noqa: PLC0415

    duckdb.execute(
        f"""
        COPY (
            SELECT
                i AS stay_id, (i * 7919) % 1000000 AS patient_no, 'W' || i % 57 AS ward_cd,
                'drug ' || md5((i % 2000)::VARCHAR) AS drug_name, (i % 997) / 4 AS quantity,
                (i % 9973) / 16 AS unit_price, DATE '2020-01-01' + (i // 2800)::INTEGER AS given_on,
                TIMESTAMP '2020-01-01' + to_seconds(i * 31) AS given_at,
                TIMESTAMP '2020-01-01' + to_seconds(i * 32) AS recorded_at, i % 50 = 0 AS is_return
            FROM range(1, {rows + 1}) AS r(i)
        ) TO '{path}' (HEADER)
        """
    )


def _table_order(uri: str, table: str) -> dict[str, object]:
    return {
        "source": _source({"kind": "postgres", "conn_id": "benchmark_db"}, {"relation": f"bench.{table}"}, COLUMNS),
        "uri": uri,
        "relation": f"bench.{table}",
    }


def _source(connection: dict[str, object], table: dict[str, object], columns: dict[str, str]) -> dict[str, object]:
    return {
        "name": "benchmark",
        "description": "Doses.",
        "owner": "data team",
        "facility": {"id": "benchmark", "name": "Benchmark", "timezone": "UTC", "currency": "EUR"},
        "connection": connection,
        "provides": ["drug_events"],
        "tables": {
            "dose": {
                "description": "Doses.",
                "keys": ["stay_id"],
                "columns": {name: {"type": type_, "pii": "none"} for name, type_ in columns.items()},
                **table,
            }
        },
    }


def _in_turn(
    settings: Settings, folder: Path, order: dict[str, object], ways: Sequence[str], repeats: int
) -> dict[str, Result]:
    results = {way: Result() for way in ways}
    for number in range(repeats):
        for way in ways:
            # a window and buckets of its own, so that each run makes a batch
            window = f"2026-01-{number + 1:02d}/2026-01-{number + 2:02d}"
            own = settings.model_copy(update={"bucket_prefix": f"b{uuid.uuid4().hex[:10]}"})
            Lake(own).ensure_buckets()
            path = folder / "order.json"
            path.write_text(json.dumps(order | {"window": window}))
            program = Path(__file__).with_name("extract_ways.py")
            ended = subprocess.run(
                [sys.executable, program, way, path], env=own.environment(), capture_output=True, text=True, check=False
            )
            if ended.returncode:
                raise SystemExit(f"{way} failed:\n{ended.stderr}")
            told = json.loads(ended.stdout.splitlines()[-1])
            results[way].seconds.append(told["seconds"])
            results[way].peak_mb.append(told["peak_mb"])
            _say(f"{way}: {told['seconds']:.1f} s, {told['peak_mb']:.0f} MB")
    return results


def _row(source: str, way: str, rows: int, result: Result) -> dict[str, object]:
    return {
        "source": source,
        "way": way,
        "seconds": result.typical,
        "rows_per_s": round(rows / result.typical),
        "peak_mb": round(max(result.peak_mb)),
    }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    typer.run(main)
