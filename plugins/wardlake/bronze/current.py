"""What a table is now: the batches that count, and one query for their rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wardlake.bronze.holdings import held_now, in_order, takers, youngest
from wardlake.bronze.manifest import BronzeFile, Manifest, batches
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source, Table
from wardlake.sql import as_name, as_text

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
    empty the table. Of files that are each the whole table the batch counts that has the rows of the youngest.
    """
    superseded = {batch_id for manifest in committed for batch_id in manifest.supersedes}
    valid = [manifest for manifest in committed if manifest.batch_id not in superseded]
    standing = [manifest for manifest in valid if manifest.retirement is None]
    if table.mode != "snapshot":
        return standing
    there = takers(standing)
    whole = youngest(held for held in held_now(valid).values() if held.file.sha256 in there)
    if whole:
        return [there[whole.file.sha256].batch.model_copy(update={"whole": whole.file})]
    return in_order([manifest for manifest in standing if manifest.arrived] or standing)[-1:]


def rows_query(settings: Settings, table: Table, manifests: Sequence[Manifest]) -> str:
    """A DuckDB query for the rows of batches as they stand in bronze, history included; the columns are the contract's.

    Columns that an earlier batch did not have yet are NULL in its rows.
    """
    columns = {name: column.type for name, column in table.columns.items()} | LINEAGE_TYPES
    if table.files:
        columns |= FILE_LINEAGE_TYPES
    absent = {name: f"CAST(NULL AS {type_}) AS {as_name(name)}" for name, type_ in columns.items()}
    selected = [
        "SELECT "
        + ", ".join(as_name(name) if name in place.columns else missing for name, missing in absent.items())
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
    """Where the rows of batches are: in their own files, or in those of a compaction. A batch without rows is nowhere.

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
    own = [manifest for manifest in manifests if manifest.lake_rows and manifest.compaction is None]
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
            relation = f"(FROM {relation} WHERE _batch_id IN ({', '.join(map(as_text, wanted))}))"
        columns = {column.name for column in compaction.columns}
        found.append(Place(relation, frozenset(columns | set(LINEAGE_TYPES))))
    return found


def _parquet(bucket: str, files: Sequence[BronzeFile]) -> str:
    urls = [Lake.url(bucket, file.key) for file in files]
    return f"read_parquet({urls}, hive_partitioning = false, union_by_name = true)"


def current_query(settings: Settings, table: Table, manifests: Sequence[Manifest]) -> str:
    """A DuckDB query for the rows that the table has now, from the batches that count (as `counting` returns them).

    Of an incremental table each key has the rows that were read last; keys that the source no longer had when they
    were last compared are left out. Of files each name has its newest content, unless `versions: keep`; a content that
    several names hold is there once.
    """
    rows = rows_query(settings, table, manifests)
    if table.mode == "incremental":
        return _newest_of_each_key(settings, table, manifests, rows)
    if table.files and table.files.versions == "replace":
        return _newest_of_each_file(table, manifests, rows)
    return rows


def _newest_of_each_key(settings: Settings, table: Table, manifests: Sequence[Manifest], rows: str) -> str:
    keys = [as_name(key) for key in table.keys]
    unkeyed = " OR ".join(f"{key} IS NULL" for key in keys)

    # rows of one batch that are alike in it all stay: it is the suite's task to judge them
    def read_last(among: str, alike_in: Iterable[str]) -> str:
        return (
            f"SELECT * FROM ({rows}) WHERE {among} QUALIFY rank() OVER "
            f"(PARTITION BY {', '.join(alike_in)} ORDER BY _extracted_at DESC, _batch_id DESC) = 1"
        )

    # what was read twice and has no key is known by its whole content
    unkeyed_rows = read_last(unkeyed, map(as_name, table.columns))
    newest = f"{read_last(f'NOT ({unkeyed})', keys)} UNION ALL {unkeyed_rows}"
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


def _newest_of_each_file(table: Table, manifests: Sequence[Manifest], rows: str) -> str:
    taken = takers(manifests)
    if table.mode == "snapshot":
        holding = {manifest.whole.name: manifest.whole.sha256 for manifest in manifests if manifest.whole}
    else:
        holding = {name: held.file.sha256 for name, held in held_now(manifests).items()}
    # rows are shown under the name that they came by, as long as it holds them
    name_of = {content: name for name, content in holding.items()}
    name_of |= {content: one.file.name for content, one in taken.items() if holding.get(one.file.name) == content}
    shown = [(taken[content].file.name, taken[content].batch.batch_id, name) for content, name in name_of.items()]
    if set(shown) == {(file.name, manifest.batch_id, file.name) for manifest in manifests for file in manifest.taken}:
        return rows
    listed = ", ".join(f"({', '.join(map(as_text, each))})" for each in shown)
    return (
        f"SELECT came.* REPLACE (shown.name AS _file) FROM ({rows}) AS came "
        f"JOIN (VALUES {listed}) AS shown(_file, _batch_id, name) USING (_file, _batch_id)"
    )
