"""The ways that `extract.py` compares, each run in a process of its own so that its memory is its own.

    python benchmarks/extract_ways.py WAY ORDER

prints one JSON line: rows, seconds from the first connection to the last byte (imports are not counted), and the
greatest resident memory of the process in MB. ORDER is a JSON file that `extract.py` writes.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from wardlake.settings import Settings, load_settings

BUCKET = "benchmark"


class Order(BaseModel):
    """Where the table or the file is; the settings say where its rows go."""

    source: dict[str, Any]
    window: str
    uri: str | None = None
    relation: str = ""
    file: Path | None = None

    @property
    def settings(self) -> Settings:
        """Settings of the benchmark's own servers, from the environment."""
        return load_settings()

    @property
    def secret(self) -> str | None:
        """Secret of the S3 server."""
        found = self.settings.s3_secret_access_key
        return found.get_secret_value() if found else None

    @property
    def s3(self) -> Any:
        """A plain client of the S3 server, as the tools make it."""
        import boto3  # noqa: PLC0415

        return boto3.client(
            "s3",
            endpoint_url=self.settings.s3_endpoint_url,
            region_name=self.settings.s3_region,
            aws_access_key_id=self.settings.s3_access_key_id,
            aws_secret_access_key=self.secret,
        )


Way = Callable[[Order], int]


def wardlake(order: Order) -> int:
    """A batch in bronze: sorted, reconciled, committed."""
    from wardlake.bronze import extract_table  # noqa: PLC0415
    from wardlake.sources import Source  # noqa: PLC0415
    from wardlake.window import Window  # noqa: PLC0415

    source = Source.model_validate(order.source)
    (table,) = source.tables
    return extract_table(order.settings, source, table, Window.parse(order.window), order.uri).manifest.lake_rows


def copy(order: Order) -> int:
    """COPY in binary, one stream, every byte thrown away."""
    import psycopg  # noqa: PLC0415

    rows = 0
    with psycopg.connect(order.uri) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY {order.relation} TO STDOUT (FORMAT binary)") as stream:
            for _ in stream:
                rows += 1
        return cursor.rowcount


def adbc(order: Order) -> int:
    """Arrow batches of the ADBC driver, written to Parquet (zstd) and put to S3."""
    import adbc_driver_postgresql.dbapi as driver  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    rows = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        with driver.connect(order.uri) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {order.relation}")
            reader = cursor.fetch_record_batch()
            with pq.ParquetWriter(path, reader.schema, compression="zstd") as writer:
                for batch in reader:
                    writer.write_batch(batch)
                    rows += batch.num_rows
        order.s3.upload_file(str(path), BUCKET, "adbc.parquet")
    return rows


def dlt_pyarrow(order: Order) -> int:
    """dlt's sql_table with the backend pyarrow, as Parquet files on the local disk (an S3 upload would come on top)."""
    return _dlt(order, "pyarrow")


def dlt_connectorx(order: Order) -> int:
    """dlt's sql_table with the backend connectorx, likewise."""
    return _dlt(order, "connectorx")


def _dlt(order: Order, backend: str) -> int:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt  # noqa: PLC0415
    from dlt.sources.sql_database import sql_table  # noqa: PLC0415

    schema, table = order.relation.split(".")
    dialect = "postgresql" if backend == "connectorx" else "postgresql+psycopg2"
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "benchmark",
            pipelines_dir=folder,
            destination=dlt.destinations.filesystem(f"file://{folder}/lake"),
            dataset_name="bronze",
        )
        resource_ = sql_table(
            (order.uri or "").replace("postgresql", dialect, 1),
            schema=schema,
            table=table,
            backend=backend,
            chunk_size=100_000,
        )
        pipeline.run(resource_, loader_file_format="parquet", write_disposition="replace")
        counts = pipeline.last_trace.last_normalize_info.row_counts
        return int(counts[table])


def pandas(order: Order) -> int:
    """Airflow's own SqlToS3Operator, with Parquet."""
    os.environ |= {
        "AIRFLOW_CONN_SOURCE": (order.uri or "").replace("postgresql", "postgres", 1),
        "AIRFLOW_CONN_STORE": json.dumps(
            {
                "conn_type": "aws",
                "login": order.settings.s3_access_key_id,
                "password": order.secret,
                "extra": {"endpoint_url": order.settings.s3_endpoint_url, "region_name": order.settings.s3_region},
            }
        ),
    }
    from airflow.providers.amazon.aws.transfers.sql_to_s3 import SqlToS3Operator  # noqa: PLC0415

    operator = SqlToS3Operator(
        task_id="extract",
        query=f"SELECT * FROM {order.relation}",
        s3_bucket=BUCKET,
        s3_key="pandas.parquet",
        sql_conn_id="source",
        aws_conn_id="store",
        file_format="parquet",
        replace=True,
    )
    operator.execute({})
    return -1


def mariadb_dump(order: Order) -> int:
    """The server's own client, its dump thrown away."""
    address = urlsplit(order.uri or "")
    subprocess.run(
        [
            *("mariadb-dump", "--no-defaults", f"--host={address.hostname}", f"--port={address.port}"),
            *(f"--user={address.username}", "--single-transaction", "--quick", *order.relation.split(".")),
        ],
        env={**os.environ, "MYSQL_PWD": address.password or ""},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return -1


def duckdb_csv(order: Order) -> int:
    """DuckDB reading the CSV file, written to Parquet (zstd) and put to S3."""
    from wardlake.warehouse import connect  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.parquet"
        with connect(order.settings) as engine:
            rows = engine.execute(
                f"COPY (FROM read_csv('{order.file}', all_varchar = true)) "
                f"TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
            ).fetchall()[0][0]
        order.s3.upload_file(str(path), BUCKET, "csv.parquet")
        return int(rows)


WAYS: dict[str, Way] = {
    "wardlake": wardlake,
    "copy": copy,
    "adbc": adbc,
    "dlt_pyarrow": dlt_pyarrow,
    "dlt_connectorx": dlt_connectorx,
    "pandas": pandas,
    "mariadb_dump": mariadb_dump,
    "duckdb_csv": duckdb_csv,
}

WARM_UP: dict[str, tuple[str, ...]] = {
    "wardlake": (
        "wardlake.bronze.readers.postgres",
        "wardlake.bronze.readers.mysql",
        "wardlake.bronze.readers.files.delimited",
        "boto3",
    ),
    "copy": ("psycopg",),
    "adbc": ("adbc_driver_postgresql.dbapi", "pyarrow.parquet", "boto3"),
    "dlt_pyarrow": ("dlt.sources.sql_database", "pyarrow.parquet", "psycopg2"),
    "dlt_connectorx": ("dlt.sources.sql_database", "pyarrow.parquet", "connectorx"),
    "pandas": (
        "airflow.providers.amazon.aws.transfers.sql_to_s3",
        "airflow.providers.postgres.hooks.postgres",
        "pandas",
        "pyarrow.parquet",
    ),
    "mariadb_dump": (),
    "duckdb_csv": ("duckdb", "boto3"),
}
"""What a way imports before the clock starts."""


def main() -> None:
    """Run one way and print what it took."""
    way, order = sys.argv[1], Order.model_validate_json(Path(sys.argv[2]).read_text())
    for module in WARM_UP[way]:
        __import__(module)
    begun = time.perf_counter()
    rows = WAYS[way](order)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "peak_mb": peak}))


if __name__ == "__main__":
    main()
