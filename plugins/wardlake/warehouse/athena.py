"""What the Glue catalog is told, so that Athena sees the bronze that silver may read: a partition for each batch.

docs/warehouses.md says how far it was tried.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from wardlake.errors import PermanentError
from wardlake.warehouse.staged import Staged

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_glue.type_defs import PartitionInputTypeDef, StorageDescriptorTypeDef, TableInputTypeDef

TYPES = {
    "VARCHAR": "string",
    "INTEGER": "int",
    "BOOLEAN": "boolean",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "BLOB": "binary",
}
PARTITION = "_batch_id"
PARTITIONS_OF_A_CALL = 100


def table_input(staged: Staged) -> "TableInputTypeDef":
    """A table of Parquet files that is partitioned by batch."""
    return {
        "Name": staged.table,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet"},
        "PartitionKeys": [{"Name": PARTITION, "Type": "string"}],
        "StorageDescriptor": _storage(staged, staged.folder),
    }


def partition_inputs(staged: Staged) -> "list[PartitionInputTypeDef]":
    """A partition for each committed batch: what is in the folder and no batch is not seen."""
    return [
        {"Values": [batch], "StorageDescriptor": _storage(staged, folder)} for batch, folder in staged.batches.items()
    ]


def declare(glue: "GlueClient", staged: Staged) -> None:
    """Replace a table of the catalog and its partitions."""
    with suppress(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": staged.schema})
    with suppress(glue.exceptions.EntityNotFoundException):
        glue.delete_table(DatabaseName=staged.schema, Name=staged.table)
    glue.create_table(DatabaseName=staged.schema, TableInput=table_input(staged))
    partitions = partition_inputs(staged)
    for start in range(0, len(partitions), PARTITIONS_OF_A_CALL):
        answer = glue.batch_create_partition(
            DatabaseName=staged.schema,
            TableName=staged.table,
            PartitionInputList=partitions[start : start + PARTITIONS_OF_A_CALL],
        )
        if errors := answer.get("Errors"):
            code = errors[0].get("ErrorDetail", {}).get("ErrorCode", "no reason")
            raise PermanentError(
                f"{staged.schema}.{staged.table}: Glue refused {len(errors)} partitions ({code}).",
                remedy="Check that the role may create partitions in this database.",
            )


def _storage(staged: Staged, location: str) -> "StorageDescriptorTypeDef":
    columns = {name: type_ for name, type_ in staged.columns.items() if name != PARTITION}
    return {
        "Columns": [{"Name": name, "Type": TYPES.get(type_, type_.lower())} for name, type_ in columns.items()],
        "Location": location,
        "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    }
