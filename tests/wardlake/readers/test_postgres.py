"""PostgreSQL tables large enough to be read in ranges, and several tables in one snapshot."""

import threading
import uuid
from collections.abc import Callable

import duckdb
import psycopg
import pytest
from bronze.stays import day
from clinic import DAY, FACILITY
from psycopg.conninfo import make_conninfo

from wardlake.bronze import Manifest, current_batches, extract_table, extract_tables
from wardlake.bronze.readers import postgres_table
from wardlake.errors import PermanentError, WardlakeError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Column, Source
from wardlake.warehouse import connect

ROWS = 60_000


def source(*tables: str, **connection: object) -> Source:
    """A source with tables of two columns."""
    return Source.model_validate(
        {
            "name": "clinic",
            "description": "Large tables.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "postgres", "conn_id": "clinic_db"} | connection,
            "provides": ["wards"],
            "tables": {
                table: {
                    "description": "A table.",
                    "relation": f"adt.{table}",
                    "keys": ["id"],
                    "columns": {
                        "id": {"type": "BIGINT", "pii": "none"},
                        "note": {"type": "VARCHAR", "pii": "free_text"},
                    },
                }
                for table in tables
            },
        }
    )


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of a few megabytes are read in ranges already."""
    monkeypatch.setattr(postgres_table, "HEAP_BYTES_OF_ONE_PART", 1024**2)


@pytest.fixture
def load(database: str) -> Callable[[str, str], None]:
    """Create a table whose rows come in the order of an expression over `i`."""
    with psycopg.connect(database) as connection:
        connection.execute("create schema adt")

    def create(table: str, order: str) -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"create table adt.{table} (id bigint primary key, note text)")
            connection.execute(
                f"insert into adt.{table} select i, repeat(md5(i::text), 4) "
                f"from generate_series(1, {ROWS}) i order by {order}"
            )
            connection.execute(f"analyze adt.{table}")

    return create


def parts_of(settings: Settings, manifest: Manifest) -> list[list[tuple[int, int]]]:
    """`_row_id` and `id` of each part, in the order of its rows."""
    bucket = settings.bucket("bronze")
    with connect(settings) as engine:
        return [
            engine.execute(f"SELECT _row_id, id FROM read_parquet('{Lake.url(bucket, file.key)}')").fetchall()
            for file in manifest.files
        ]


@pytest.mark.parametrize("order", ["i", "md5(i::text)"], ids=["in the order of its key", "in no order"])
def test_a_large_table_is_read_in_sorted_ranges(
    settings: Settings, database: str, load: Callable[[str, str], None], small_parts: None, order: str
) -> None:
    load("stay", order)
    manifest = extract_table(settings, source("stay"), "stay", DAY, database).manifest
    parts = parts_of(settings, manifest)
    assert len(parts) >= 4
    assert (manifest.source_rows, manifest.lake_rows) == (ROWS, ROWS)
    for part in parts:
        assert [id_ for _, id_ in part] == sorted(id_ for _, id_ in part)
        assert [row for row, _ in part] == sorted(row for row, _ in part)
    rows = [row for part in parts for row in part]
    assert sorted(id_ for _, id_ in rows) == list(range(1, ROWS + 1))
    assert len({row for row, _ in rows}) == ROWS
    if order == "i":
        assert [id_ for _, id_ in rows] == list(range(1, ROWS + 1))


def test_old_statistics_lose_no_row(
    settings: Settings, database: str, load: Callable[[str, str], None], small_parts: None
) -> None:
    load("stay", "i")
    with psycopg.connect(database) as connection:
        connection.execute("insert into adt.stay select i, '' from generate_series(-500, 0) i")
        connection.execute("insert into adt.stay select i, '' from generate_series(900001, 900500) i")
        connection.execute("delete from adt.stay where id between 100 and 20000")
    manifest = extract_table(settings, source("stay"), "stay", DAY, database).manifest
    found = sorted(id_ for part in parts_of(settings, manifest) for _, id_ in part)
    assert found == [*range(-500, 100), *range(20001, ROWS + 1), *range(900001, 900501)]


def test_all_tables_of_a_run_show_one_moment(
    settings: Settings, database: str, load: Callable[[str, str], None], small_parts: None
) -> None:
    for table in ("first", "second"):
        load(table, "i")
    stop = threading.Event()

    def keep_adding() -> None:
        """Add the same key to both tables in one transaction, again and again."""
        with psycopg.connect(database) as connection:
            key = 10**9
            while not stop.is_set():
                key += 1
                for table in ("first", "second"):
                    connection.execute(f"insert into adt.{table} values ({key}, 'new')")
                connection.commit()

    writer = threading.Thread(target=keep_adding)
    writer.start()
    try:
        ended = extract_tables(settings, source("first", "second"), ["first", "second"], DAY, database)
    finally:
        stop.set()
        writer.join()
    assert not [one for one in ended.values() if isinstance(one, WardlakeError)]
    manifests = [
        current_batches(settings, Lake(settings), source("first", "second"), t)[0] for t in ("first", "second")
    ]
    keys = [{id_ for part in parts_of(settings, manifest) for _, id_ in part} for manifest in manifests]
    assert keys[0] == keys[1]
    assert len({manifest.snapshot for manifest in manifests}) == 1
    assert manifests[0].snapshot


def test_tables_that_fail_do_not_stop_the_others(
    settings: Settings, database: str, load: Callable[[str, str], None]
) -> None:
    load("first", "i")
    role = f"reader_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table adt.closed (id bigint, note text)")
        connection.execute("create table adt.odd (id bigint, note text, price numeric)")
        connection.execute("insert into adt.odd values (1, '', 'NaN')")
        connection.execute(f"create role {role} login; grant usage on schema adt to {role}")
        connection.execute(f"grant select on adt.first, adt.odd to {role}")
    source_ = source("closed", "missing", "odd", "first")
    odd = source_.tables["odd"].model_copy(
        update={"columns": source_.tables["odd"].columns | {"price": Column(type="DECIMAL(38,10)", pii="none")}}
    )
    source_ = source_.model_copy(update={"tables": source_.tables | {"odd": odd}})
    as_reader = make_conninfo(database, user=role)
    ended = extract_tables(settings, source_, list(source_.tables), DAY, as_reader)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"drop owned by {role}; drop role {role}")
    told = {table: str(one) for table, one in ended.items() if isinstance(one, PermanentError)}
    assert "may not read adt.closed" in told["closed"]
    assert "no table adt.missing" in told["missing"]
    assert "'price' holds numbers" in told["odd"]
    assert not isinstance(ended["first"], WardlakeError)
    assert ended["first"].manifest.lake_rows == ROWS


def test_no_more_connections_than_allowed_and_none_that_could_write(
    settings: Settings, database: str, load: Callable[[str, str], None], small_parts: None
) -> None:
    load("stay", "i")
    stop, seen = threading.Event(), set()

    def watch() -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            while not stop.is_set():
                (count,) = connection.execute(
                    "select count(*) from pg_stat_activity where application_name = 'wardlake'"
                ).fetchall()[0]
                seen.add(count)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        extract_table(settings, source("stay", max_connections=2), "stay", DAY, database)
        most_of_two = max(seen)
        extract_table(settings, source("stay"), "stay", day(2), database)
    finally:
        stop.set()
        watcher.join()
    assert most_of_two == 2
    assert max(seen) <= 4


def test_rows_too_wide_for_the_memory_say_which_setting_to_raise(
    settings: Settings, database: str, load: Callable[[str, str], None]
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("create table adt.stay (id bigint, note text)")
        connection.execute("insert into adt.stay select i, repeat(md5(i::text), 9000) from generate_series(1, 150) i")
    tight = settings.model_copy(update={"extract_memory_limit": "30MB"})
    with pytest.raises(PermanentError, match=r"clinic\.stay.*WARDLAKE_EXTRACT_MEMORY_LIMIT"):
        extract_table(tight, source("stay"), "stay", DAY, database)
    assert extract_table(settings, source("stay"), "stay", DAY, database).manifest.lake_rows == 150


def test_parts_carry_statistics_and_are_compressed(
    settings: Settings, database: str, load: Callable[[str, str], None]
) -> None:
    load("stay", "i")
    manifest = extract_table(settings, source("stay"), "stay", DAY, database).manifest
    with connect(settings) as engine:
        url = Lake.url(settings.bucket("bronze"), manifest.files[0].key)
        found: duckdb.DuckDBPyConnection = engine.execute(
            "SELECT DISTINCT compression, stats_min, stats_max "
            f"FROM parquet_metadata('{url}') WHERE path_in_schema = 'id'"
        )
        assert found.fetchall() == [("ZSTD", "1", str(ROWS))]
