"""What a table is now: the batches that count, and one query for their rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from wardlake.bronze.manifest import BronzeFile, Manifest, TakenFile, batches
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source, Table

LINEAGE_TYPES = {
    "_row_id": "BIGINT",
    "_batch_id": "VARCHAR",
    "_source": "VARCHAR",
    "_extracted_at": "TIMESTAMP WITH TIME ZONE",
}
FILE_LINEAGE_TYPES = {"_file": "VARCHAR", "_line": "BIGINT"}


def current_batches(settings: Settings, lake: Lake, source: Source, table: str) -> list[Manifest]:
    """The batches that together are the table now: the newest snapshot, or everything that was added."""
    return counting(source.tables[table], batches(settings, lake, source.name, table))


def counting(table: Table, committed: Sequence[Manifest]) -> list[Manifest]:
    """Of the committed batches, oldest window first, those that count.

    A batch that a backfill has superseded does not count, nor one whose files are deleted. Of snapshots the one counts
    that was taken last, whatever its window, of those in which something arrived: a day without a delivery does not
    empty the table.
    """
    superseded = {batch_id for manifest in committed for batch_id in manifest.supersedes}
    standing = [
        manifest for manifest in committed if manifest.batch_id not in superseded and manifest.retirement is None
    ]
    if table.mode != "snapshot":
        return standing
    arrived = [manifest for manifest in standing if manifest.arrived]
    return sorted(arrived or standing, key=lambda manifest: (manifest.extracted_at, manifest.batch_id))[-1:]


def rows_query(settings: Settings, table: Table, manifests: Sequence[Manifest]) -> str:
    """A DuckDB query for the rows of batches as they stand in bronze, history included; the columns are the contract's.

    Columns that an earlier batch did not have yet are NULL in its rows.
    """
    columns = {name: column.type for name, column in table.columns.items()} | LINEAGE_TYPES
    if table.files:
        columns |= FILE_LINEAGE_TYPES
    absent = {name: f"CAST(NULL AS {type_}) AS {_double(name)}" for name, type_ in columns.items()}
    selected = [
        "SELECT "
        + ", ".join(_double(name) if name in place.columns else missing for name, missing in absent.items())
        + f" FROM {place.relation}"
        for place in places(settings, manifests)
    ]
    return " UNION ALL ".join(selected) or f"SELECT {', '.join(absent.values())} WHERE false"


@dataclass(frozen=True)
class Place:
    """Files that hold rows of batches: a DuckDB relation of exactly these rows, and the columns that it has."""

    relation: str
    columns: frozenset[str]


def places(settings: Settings, manifests: Sequence[Manifest]) -> list[Place]:
    """Where the rows of batches are: in their own files, or in those of a compaction.

    Raises:
        PermanentError: the files of one of the batches were deleted.
    """
    bucket = settings.bucket("bronze")
    for manifest in manifests:
        if manifest.retirement:
            raise PermanentError(
                f"{manifest.source}.{manifest.table}, batch {manifest.batch_id}: its files were deleted on "
                f"{manifest.retirement.retired_at:%Y-%m-%d} ({manifest.retirement.rule}).",
                remedy="Raise 'keep_days' of the table if batches like this one are needed for longer.",
            )
    own = [manifest for manifest in manifests if manifest.files and manifest.compaction is None]
    compactions = {each.compaction.compaction_id: each.compaction for each in manifests if each.compaction}
    found = []
    if own:
        files = [file for manifest in own for file in manifest.files]
        columns = {column.name for manifest in own for column in manifest.columns}
        found.append(Place(_parquet(bucket, files), frozenset(columns | set(LINEAGE_TYPES))))
    for compaction_id, compaction in compactions.items():
        wanted = [
            each.batch_id
            for each in manifests
            if each.compaction is not None and each.compaction.compaction_id == compaction_id
        ]
        relation = _parquet(bucket, compaction.files)
        if set(wanted) != set(compaction.members):
            relation = f"(FROM {relation} WHERE _batch_id IN ({', '.join(map(_quoted, wanted))}))"
        columns = {column.name for column in compaction.columns}
        found.append(Place(relation, frozenset(columns | set(LINEAGE_TYPES))))
    return found


def _parquet(bucket: str, files: Sequence[BronzeFile]) -> str:
    urls = [Lake.url(bucket, file.key) for file in files]
    return f"read_parquet({urls}, hive_partitioning = false, union_by_name = true)"


def current_query(settings: Settings, table: Table, manifests: Sequence[Manifest]) -> str:
    """A DuckDB query for the rows that the table has now, from the batches that count.

    Of an incremental table each key has the rows that were read last; keys that the source no longer had when they
    were last compared are left out. Of files each name has its newest content, unless `versions: keep`.
    """
    rows = rows_query(settings, table, manifests)
    if table.mode == "incremental":
        return _newest_of_each_key(settings, table, manifests, rows)
    if table.files and table.files.versions == "replace":
        return _newest_of_each_file(table, manifests, rows)
    return rows


def _newest_of_each_key(settings: Settings, table: Table, manifests: Sequence[Manifest], rows: str) -> str:
    keys = [_double(key) for key in table.keys]
    unkeyed = " OR ".join(f"{key} IS NULL" for key in keys)
    # rows of one batch that share a key all stay: it is the suite's task to judge them
    newest = (
        f"SELECT * FROM ({rows}) QUALIFY {unkeyed} OR rank() OVER "
        f"(PARTITION BY {', '.join(keys)} ORDER BY _extracted_at DESC, _batch_id DESC) = 1"
    )
    compared = [manifest for manifest in manifests if manifest.keys is not None]
    if table.deletes != "compare_keys" or not compared:
        return newest
    last = max(compared, key=lambda manifest: (manifest.extracted_at, manifest.batch_id))
    files = [Lake.url(settings.bucket("bronze"), file.key) for file in last.keys or []]
    still_there = f"SELECT ({', '.join(keys)}) FROM read_parquet({files}, hive_partitioning = false)"
    is_there = f"({', '.join(keys)}) IN ({still_there})" if files else "false"
    # a row that was read after the keys were compared is younger than they are
    return (
        f"SELECT * FROM ({newest}) WHERE {unkeyed} OR _extracted_at > TIMESTAMPTZ '{last.extracted_at.isoformat()}' "
        f"OR {is_there}"
    )


def whole_table(manifest: Manifest) -> TakenFile | None:
    """Of a batch of files that are each the whole table, the youngest; None if it took none."""
    return max(
        manifest.taken,
        key=lambda file: (file.modified_at is not None, file.modified_at, file.name),
        default=None,
    )


def _newest_of_each_file(table: Table, manifests: Sequence[Manifest], rows: str) -> str:
    versions = [
        (file.name, manifest.batch_id)
        for manifest in sorted(manifests, key=lambda manifest: manifest.extracted_at)
        for file in manifest.taken
    ]
    newest = dict(versions)
    if table.mode == "snapshot" and manifests and (whole := whole_table(manifests[-1])):
        newest = {whole.name: manifests[-1].batch_id}
    if len(newest) == len(versions):
        return rows
    listed = ", ".join(f"({_quoted(name)}, {_quoted(batch_id)})" for name, batch_id in newest.items())
    return f"SELECT * FROM ({rows}) WHERE (_file, _batch_id) IN (VALUES {listed})"


def _double(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
