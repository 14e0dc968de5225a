"""Gold as Iceberg v2 tables on S3, in a SQL catalog or in Glue.

Each publication is one snapshot of each table, which holds all rows, names the publication in its summary and has the
publication's id as a tag. Files are written first; then the tables are switched one after the other, a few
milliseconds for each; then the record `_publications/current.json` is replaced, which names the snapshot of each
table. A catalog cannot switch several tables at once: whoever joins tables reads the snapshots that the record names
(or one tag), and sees one publication only.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import CommitFailedException, WaitingForLockException
from pyiceberg.io import load_file_io
from pyiceberg.io.pyarrow import UnsupportedPyArrowTypeException, pyarrow_to_schema, schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.table import Table, Transaction
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update.snapshot import ManageSnapshots
from sqlalchemy.exc import SQLAlchemyError

from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.publishing.gold_file import GoldFile, GoldTable
from wardlake.publishing.record import Publication
from wardlake.settings import Settings

ROOT = "gold"
RECORDS = f"{ROOT}/_publications"
PUBLICATION_ID = "wardlake.publication-id"
OURS = "wardlake.publication"
"""Property of the tables that Wardlake has made: others of the namespace are left alone."""

PROPERTIES = {"format-version": "2", OURS: "gold"}
OUR_FILE = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{8}\.parquet")
PUBLISHING = "publishing"
"""A branch that lives within a transaction: a snapshot on a new branch follows no other."""
UNFINISHED_FOR = timedelta(days=1)
"""Age from which a file that no snapshot names belongs to no publication under way."""


def place(settings: Settings) -> str:
    """Where the tables are, without a password."""
    tables = f"namespace {settings.catalog_namespace}, files below s3://{settings.bucket('gold')}/{ROOT}"
    return f"Glue catalog, {tables}" if settings.catalog == "glue" else f"SQL catalog, {tables}"


def open_catalog(settings: Settings) -> Catalog:
    """The catalog that the settings name."""
    secret = settings.s3_secret_access_key
    keys = {
        "access-key-id": settings.s3_access_key_id,
        "secret-access-key": secret.get_secret_value() if secret else None,
    }
    store = {"endpoint": settings.s3_endpoint_url, "region": settings.s3_region, **keys}
    properties: dict[str, str | None] = {f"s3.{name}": value for name, value in store.items()}
    if settings.catalog == "glue":
        glue = {"endpoint": settings.glue_endpoint_url, "region": settings.s3_region, **keys}
        properties |= {"type": "glue"} | {f"glue.{name}": value for name, value in glue.items()}
    else:
        settings.home.mkdir(parents=True, exist_ok=True)
        properties |= {"type": "sql", "uri": settings.sql_catalog_uri}
    return load_catalog("wardlake", **{name: value for name, value in properties.items() if value})


@dataclass(frozen=True)
class Staged:
    """A publication whose files are on S3, and which no reader sees yet."""

    catalog: Catalog
    tables: list[str]
    transactions: list[Transaction]


def stage(settings: Settings, publication: Publication, gold: GoldFile) -> Staged:
    """Write the files of a publication; tables that show it already are left as they are.

    Raises:
        PermanentError: the store or the catalog refused it.
        PassingError: the store or the catalog did not answer.
    """
    with _translated(settings):
        catalog = open_catalog(settings)
        catalog.create_namespace_if_not_exists(settings.catalog_namespace)
        staged = Staged(catalog, [table.name for table in gold.tables], [])
        for table in gold.tables:
            transaction = _begin(settings, catalog, table)
            if not _shows(transaction, publication):
                _stage_rows(catalog, transaction, publication, gold.batches(table.name))
                staged.transactions.append(transaction)
    return staged


def show(settings: Settings, publication: Publication, staged: Staged) -> None:
    """Switch the tables, then the record; then forget what is too old.

    Raises:
        PermanentError: the store or the catalog refused it.
        PassingError: the store or the catalog did not answer, or another process publishes.
    """
    with _translated(settings):
        for transaction in staged.transactions:
            transaction.commit_transaction()
        tables = [staged.catalog.load_table((settings.catalog_namespace, name)) for name in staged.tables]
        _write_record(settings, publication, tables)
        _drop_former(settings, staged)
        for table in tables:
            _forget_old(settings, table)


def _begin(settings: Settings, catalog: Catalog, table: GoldTable) -> Transaction:
    """A transaction that makes the table, or brings its columns and descriptions up to date."""
    name, schema = (settings.catalog_namespace, table.name), _iceberg_schema(table)
    if not catalog.table_exists(name):
        location = f"s3://{settings.bucket('gold')}/{ROOT}/{table.name}"
        properties = {**PROPERTIES, "comment": table.description}
        return catalog.create_table_transaction(name, schema, location=location, properties=properties)
    transaction = catalog.load_table(name).transaction()
    types = {field.name: field.field_type for field in schema.fields}
    columns = transaction.table_metadata.schema().fields
    if gone := [column.name for column in columns if types.get(column.name) != column.field_type]:
        with transaction.update_schema(allow_incompatible_changes=True) as update:
            for column in gone:
                update.delete_column(column)
    with transaction.update_schema() as update:
        update.union_by_name(schema)
    if transaction.table_metadata.properties.get("comment") != table.description:
        transaction.set_properties(comment=table.description)
    return transaction


def _iceberg_schema(table: GoldTable) -> Schema:
    numbered = [
        field.with_metadata({**(field.metadata or {}), "PARQUET:field_id": str(number)})
        for number, field in enumerate(table.schema, start=1)
    ]
    try:
        return pyarrow_to_schema(pa.schema(numbered))
    except (UnsupportedPyArrowTypeException, ValueError, TypeError) as error:
        raise PermanentError(
            f"gold.{table.name}: a column has a type that Iceberg v2 tables do not have.",
            remedy="Give it one of the types of the other gold columns in the contract of its model.",
        ) from error


def _shows(transaction: Transaction, publication: Publication) -> bool:
    snapshot = transaction.table_metadata.current_snapshot()
    return snapshot is not None and _publication_of(snapshot) == publication.publication_id


def _publication_of(snapshot: Snapshot) -> str | None:
    return snapshot.summary.get(PUBLICATION_ID) if snapshot.summary else None


def _stage_rows(
    catalog: Catalog, transaction: Transaction, publication: Publication, rows: pa.RecordBatchReader
) -> None:
    """One file with all rows, as a snapshot that follows no other: it holds nothing of former publications.

    PyIceberg's own `overwrite` would add a second, empty snapshot, which time travel could meet, and holds all rows in
    memory.
    """
    metadata = transaction.table_metadata
    schema = schema_to_pyarrow(metadata.schema())
    path = f"{metadata.location}/data/{publication.publication_id}.parquet"
    output = load_file_io(catalog.properties, path).new_output(path)
    with output.create(overwrite=True) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch.select(schema.names).cast(schema))
    branch = PUBLISHING if metadata.snapshots else MAIN_BRANCH  # the first snapshot of a table is taken there only
    summary = {PUBLICATION_ID: publication.publication_id}
    transaction.add_files([path], snapshot_properties=summary, check_duplicate_files=False, branch=branch)
    snapshot_id = transaction.table_metadata.refs[branch].snapshot_id
    with ManageSnapshots(transaction) as manage:
        manage.create_tag(snapshot_id, publication.publication_id)
        if branch == PUBLISHING:
            manage.set_current_snapshot(snapshot_id).remove_branch(PUBLISHING)


def _write_record(settings: Settings, publication: Publication, tables: list[Table]) -> None:
    record = {
        "publication_id": publication.publication_id,
        "published_at": publication.published_at.isoformat(),
        "tables": {
            table.name()[-1]: {
                "rows": publication.tables[f"gold.{table.name()[-1]}"],
                "snapshot_id": table.metadata.current_snapshot_id,
                "metadata_location": table.metadata_location,
            }
            for table in tables
        },
    }
    lake, bucket, body = Lake(settings), settings.bucket("gold"), json.dumps(record, indent=1).encode()
    for name in (publication.publication_id, "current"):
        lake.put(bucket, f"{RECORDS}/{name}.json", body)


def _drop_former(settings: Settings, staged: Staged) -> None:
    """Take tables out of the catalog that gold no longer has; their files stay."""
    for name in staged.catalog.list_tables(settings.catalog_namespace):
        if name[-1] not in staged.tables and OURS in staged.catalog.load_table(name).properties:
            staged.catalog.drop_table(name)


def _forget_old(settings: Settings, table: Table) -> None:
    """Expire the snapshots of old publications, and delete their files and those of publications that were broken off.

    Tags and branches that others have made keep their snapshots.
    """
    limit = datetime.now(UTC) - timedelta(days=settings.snapshot_days)
    old = {
        snapshot.snapshot_id: snapshot
        for snapshot in table.snapshots()
        if snapshot.timestamp_ms < limit.timestamp() * 1000
        and snapshot.snapshot_id != table.metadata.current_snapshot_id
    }
    for name, ref in table.metadata.refs.items():
        if (snapshot := old.get(ref.snapshot_id)) and _publication_of(snapshot) != name:
            del old[ref.snapshot_id]
    lake, bucket = Lake(settings), settings.bucket("gold")
    prefix = f"s3://{bucket}/"
    if old:
        files = [file for one in old.values() for file in (one.manifest_list, *_manifests(table, one))]
        with table.manage_snapshots() as manage:
            for name, ref in table.metadata.refs.items():
                if ref.snapshot_id in old:
                    manage.remove_tag(name)
        table.maintenance.expire_snapshots().by_ids(list(old)).commit()
        lake.delete_all(bucket, [file.removeprefix(prefix) for file in files])
    kept = {_publication_of(snapshot) for snapshot in table.snapshots()}
    broken_off = lake.now(bucket) - UNFINISHED_FOR
    lake.delete_all(
        bucket,
        [
            entry.key
            for entry in lake.entries(bucket, f"{table.location()}/data/".removeprefix(prefix))
            if OUR_FILE.fullmatch(entry.key.rpartition("/")[2])
            and entry.key.rpartition("/")[2].removesuffix(".parquet") not in kept
            and (entry.modified_at < broken_off)
        ],
    )


def _manifests(table: Table, snapshot: Snapshot) -> list[str]:
    return [manifest.manifest_path for manifest in snapshot.manifests(table.io)]


@contextmanager
def _translated(settings: Settings) -> Iterator[None]:
    """Errors of PyIceberg, its catalogs and PyArrow's S3 client as ones that a data team can act on."""
    where = f"Gold could not be published as Iceberg tables ({place(settings)})"
    try:
        yield
    except (CommitFailedException, WaitingForLockException) as error:
        raise PassingError(f"{where}: another process changes the same tables.", remedy="Publish again.") from error
    except (NoCredentialsError, ClientError, SQLAlchemyError, OSError, BotoCoreError) as error:
        if _is_refusal(error):
            raise PermanentError(
                f"{where}: the store or the catalog refused the credentials ({type(error).__name__}).",
                remedy="Give the keys of WARDLAKE_S3_*, or the user of WARDLAKE_CATALOG_URI, the right to write gold.",
            ) from error
        raise PassingError(
            f"{where}: the store or the catalog did not answer as it should ({type(error).__name__}).",
            remedy="Check WARDLAKE_S3_ENDPOINT_URL, WARDLAKE_CATALOG_URI and WARDLAKE_GLUE_ENDPOINT_URL, and that "
            "these servers run; then publish again.",
        ) from error


def _is_refusal(error: Exception) -> bool:
    told = str(error).lower()
    return isinstance(error, NoCredentialsError) or any(
        word in told
        for word in ("access denied", "access_denied", "accessdenied", "authentication failed", "permission")
    )
