"""BigQuery as the warehouse: bronze is loaded from Parquet files, and gold is read back as Arrow batches.

The address is `bigquery://<project>?location=EU`; the client finds its credentials as every Google client does. With
`&endpoint=http://...` it speaks to an emulator, without credentials.
"""

import hashlib
import re
import tempfile
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pyarrow as pa

from wardlake.definitions import read_tables
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.settings import Settings
from wardlake.sql import as_name, as_text
from wardlake.warehouse.connection import relations

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, Table

CONNECTION = "bigquery_warehouse"
KEYS = "wardlake_keys"
TYPES = {
    "VARCHAR": "STRING",
    "BIGINT": "INT64",
    "INTEGER": "INT64",
    "SMALLINT": "INT64",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP": "DATETIME",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "DOUBLE": "FLOAT64",
    "FLOAT": "FLOAT64",
    "BLOB": "BYTES",
}


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Parts of the address; an emulator takes any token."""
    project, location, endpoint = _address(settings)
    environment = {"WARDLAKE_BIGQUERY_PROJECT": project, "WARDLAKE_BIGQUERY_LOCATION": location}
    if endpoint:
        environment |= {
            "WARDLAKE_BIGQUERY_ENDPOINT": endpoint,
            "WARDLAKE_BIGQUERY_METHOD": "oauth-secrets",
            "DBT_ENV_SECRET_BIGQUERY_TOKEN": "emulator",
        }
    return environment


def show_bronze(settings: Settings, engine: duckdb.DuckDBPyConnection, schemas: list[str]) -> None:
    """Replace each bronze table by one load job, which BigQuery does wholly or not at all; and store the padded keys.

    Raises:
        PassingError: BigQuery does not answer, or its quota is used up.
        PermanentError: it refuses us, or the rows.
    """
    from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415  only with this warehouse

    client = _client(settings)
    try:
        for schema in schemas:
            client.create_dataset(schema, exists_ok=True)
            for view in relations(engine, schema):
                _load(settings, client, engine, f"FROM {as_name(schema)}.{as_name(view)}", f"{schema}.{view}")
        client.create_dataset(KEYS, exists_ok=True)
        # the key is never part of a query, not even of DuckDB's
        pads = (f"lower(hex(getvariable('wardlake_pseudonym_{pad}'))) AS {pad}_hex" for pad in ("inner", "outer"))
        _load(settings, client, engine, f"SELECT {', '.join(pads)}", f"{KEYS}.pads")
    except GoogleAPIError as error:
        raise _translate(error) from None  # its text may hold values


def attach_built(settings: Settings, engine: duckdb.DuckDBPyConnection, schema: str) -> dict[str, str]:
    """Queries over the tables that dbt has built, with the types of their contracts; each can be read once."""
    client = _client(settings)
    agreed = {table.name: table.columns for table in read_tables(settings.dbt_dir) if table.layer == schema}
    queries = {}
    for item in client.list_tables(schema):
        if item.table_type != "TABLE":
            continue
        stream = f"{schema}_{item.table_id}"
        engine.register(stream, _batches(settings, client, client.get_table(item.reference)))
        columns = ", ".join(
            f"CAST({as_name(column.name)} AS {column.data_type}) AS {as_name(column.name)}"
            for column in agreed[item.table_id]
        )
        queries[item.table_id] = f"SELECT {columns} FROM {as_name(stream)}"
    return queries


def _batches(settings: Settings, client: "Client", table: "Table") -> pa.RecordBatchReader:
    rows = client.list_rows(table)
    if _address(settings)[2]:
        batches = rows.to_arrow_iterable()
    else:
        from google.cloud.bigquery_storage import BigQueryReadClient  # noqa: PLC0415

        batches = rows.to_arrow_iterable(bqstorage_client=BigQueryReadClient())  # type: ignore[no-untyped-call]
    first = next(iter(batches), None)
    if first is None:
        return client.list_rows(table).to_arrow().to_reader()
    return pa.RecordBatchReader.from_batches(first.schema, chain([first], batches))


def _load(settings: Settings, client: "Client", engine: duckdb.DuckDBPyConnection, query: str, table: str) -> None:
    """Replace a table by the rows of a query. What is asked twice, as the first answer was lost, is done once."""
    from google.api_core.exceptions import Conflict  # noqa: PLC0415
    from google.cloud import bigquery  # noqa: PLC0415

    described = engine.execute(f"DESCRIBE {query}").fetchall()
    fields = [bigquery.SchemaField(name, **field_type(type_)) for name, type_, *_ in described]
    target = f"{client.project}.{table}"
    before = client.create_table(bigquery.Table(target, fields), exists_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.temp_dir, suffix=".parquet") as file:
        engine.execute(f"COPY ({query}) TO {as_text(file.name)} (FORMAT parquet, COMPRESSION zstd)")
        with Path(file.name).open("rb") as parquet:
            job_id = load_job_id(table, hashlib.file_digest(parquet, "sha256").hexdigest(), str(before.modified))
            parquet.seek(0)
            try:
                job: Any = client.load_table_from_file(
                    parquet,
                    target,
                    job_id=job_id,
                    job_config=bigquery.LoadJobConfig(
                        source_format=bigquery.SourceFormat.PARQUET,
                        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
                        schema=fields,
                    ),
                )
            except Conflict:
                job = client.get_job(job_id)
            job.result()


def load_job_id(table: str, digest: str, modified: str) -> str:
    """The name of a load: the same for the same rows into the same state of a table, and for nothing else."""
    state = hashlib.sha256(f"{digest} {modified}".encode()).hexdigest()
    return f"wardlake-{table.replace('.', '-')}-{state[:32]}"


def field_type(duckdb_type: str) -> dict[str, Any]:
    """Type of a BigQuery field, in the words of its client; of decimals the smaller kind that holds all digits."""
    if not (decimal := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", duckdb_type)):
        return {"field_type": TYPES[duckdb_type]}
    precision, scale = map(int, decimal.groups())
    small = precision - scale <= 29 and scale <= 9
    return {"field_type": "NUMERIC" if small else "BIGNUMERIC", "precision": precision, "scale": scale}


def _address(settings: Settings) -> tuple[str, str, str]:
    """Project, location, and the address of an emulator or nothing."""
    parts = urlsplit(settings.connection_uri(CONNECTION))
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if parts.scheme != "bigquery" or not parts.netloc:
        raise PermanentError(
            "The address of BigQuery is not understood.",
            remedy=f"Set the connection {CONNECTION} to bigquery://<project>?location=EU.",
        )
    return parts.netloc, options.get("location", "EU"), options.get("endpoint", "")


def _client(settings: Settings) -> "Client":
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415
    from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415
    from google.cloud import bigquery  # noqa: PLC0415

    project, location, endpoint = _address(settings)
    if endpoint:
        options = {"api_endpoint": endpoint}
        anonymous = AnonymousCredentials()  # type: ignore[no-untyped-call]
        return bigquery.Client(project, anonymous, location=location, client_options=options)
    try:
        return bigquery.Client(project, location=location)
    except DefaultCredentialsError:
        raise PermanentError(
            "Google's client finds no credentials.", remedy="Set GOOGLE_APPLICATION_CREDENTIALS, or log in with gcloud."
        ) from None


def _translate(error: Exception) -> WardlakeError:
    from google.api_core.exceptions import RetryError, ServerError, TooManyRequests  # noqa: PLC0415

    if isinstance(error, (RetryError, ServerError, TooManyRequests)):
        return PassingError("BigQuery does not answer as it should.", remedy="Run again later.")
    return PermanentError(
        f"BigQuery refused to load bronze ({type(error).__name__}).",
        remedy="Check the project, and that the account may create datasets, tables and jobs in it.",
    )
