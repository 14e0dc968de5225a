"""SQLite files into bronze: one moment of a live file, and no value of another type than its column."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from clinic import DAY, FACILITY, NEXT_DAY
from mysql_clinic import rows_now

from wardlake.bronze import Backfill, backfill_table, batches, extract_table, extract_tables
from wardlake.bronze.extract import Extraction
from wardlake.bronze.readers import sqlite
from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.window import Window


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Place of a SQLite file."""
    return tmp_path / "it's a clinic.db"


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def source_of(path: Path, columns: dict[str, str], **spec: Any) -> Source:
    """A source of a SQLite file with the table `t`; its columns are names with their types."""
    table = {
        "description": "Things.",
        "relation": "t",
        "keys": ["id"],
        **spec,
        "columns": {name: {"type": type_, "pii": "none"} for name, type_ in columns.items()},
    }
    return Source.model_validate(
        {
            "name": "clinic",
            "description": "A clinic on SQLite.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "sqlite", "path": str(path)},
            "provides": ["wards"],
            "tables": {"t": table, "u": table | {"relation": "main.u"}},
        }
    )


def arrived(settings: Settings, path: Path, declared: str, type_: str, *values: str, shown: str = "v") -> list[Any]:
    """Values of a column as they stand in bronze, in the order of the inserts."""
    run(path, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})")
    run(path, *(f"INSERT INTO t VALUES ({number}, {value})" for number, value in enumerate(values)))
    source = source_of(path, {"id": "BIGINT", "v": type_})
    assert extract_table(settings, source, "t", DAY).manifest.checksum is not None
    return [value for _, value in rows_now(settings, source, "t", f"id, {shown}")]


@pytest.mark.parametrize(
    ("declared", "type_", "values", "expected"),
    [
        ("INTEGER", "BIGINT", ("9223372036854775807", "9223372036854775807", "-1"), [2**63 - 1, 2**63 - 1, -1]),
        ("TINYINT(1)", "BIGINT", ("7",), [7]),
        ("BOOLEAN", "BIGINT", ("1", "0"), [1, 0]),
        ("REAL", "DOUBLE", ("0.1 + 0.2", "1e308", "5"), [0.1 + 0.2, 1e308, 5.0]),
        ("DECIMAL(10,2)", "DOUBLE", ("1.25", "9007199254740992"), [1.25, 2.0**53]),
        ("VARCHAR(20)", "VARCHAR", ("'Grüße 😀 مرحبا'", "''", "'NULL'", "'a' || char(0) || 'b'", "5"),
         ["Grüße 😀 مرحبا", "", "NULL", "a\0b", "5"]),
        ("BLOB", "BLOB", ("x'00ff80'", "x''"), [b"\0\xff\x80", b""]),
        ("", "BLOB", ("x'01'",), [b"\1"]),
        ("INT AS (id + 1)", "BIGINT", (), []),
        ("INTEGER", "VARCHAR", ("5", "'unknown'", "0.5"), ["5", "unknown", "0.5"]),
        ("", "VARCHAR", ("5", "'text'"), ["5", "text"]),
        ("DATETIME", "VARCHAR", ("'2026-01-01T10:00:00+02:00'", "1767225600"),
         ["2026-01-01T10:00:00+02:00", "1767225600"]),
    ],
)  # fmt: skip
def test_a_value_arrives_as_it_was_and_null_stays_null(
    settings: Settings, path: Path, declared: str, type_: str, values: tuple[str, ...], expected: list[Any]
) -> None:
    absent = ("NULL",) if values else ()
    assert arrived(settings, path, declared, type_, *values, *absent) == expected + [None for _ in absent]


@pytest.mark.parametrize(
    ("declared", "type_", "values", "expected"),
    [
        ("DATE", "DATE", ("'0001-01-01'", "'9999-12-31'"), ["0001-01-01", "9999-12-31"]),
        ("DATETIME", "TIMESTAMP", ("'2026-01-01 10:00:00.123456'", "'2026-01-01T10:00'", "'2026-01-01'"),
         ["2026-01-01 10:00:00.123456", "2026-01-01 10:00:00", "2026-01-01 00:00:00"]),
    ],
)  # fmt: skip
def test_dates_are_read_from_iso_text(
    settings: Settings, path: Path, declared: str, type_: str, values: tuple[str, ...], expected: list[str]
) -> None:
    assert arrived(settings, path, declared, type_, *values, "NULL", shown="v::VARCHAR") == [*expected, None]


@pytest.mark.parametrize(
    ("declared", "type_", "value"),
    [
        ("INTEGER", "BIGINT", "'secret'"),
        ("INTEGER", "BIGINT", "1.5"),
        ("REAL", "DOUBLE", "'secret'"),
        ("NUMERIC", "DOUBLE", "9007199254740993"),
        ("TEXT", "VARCHAR", "x'00'"),
        ("BLOB", "BLOB", "'secret'"),
        ("DATE", "DATE", "20260101"),
        ("DATE", "DATE", "'01.02.2026'"),
        ("DATE", "DATE", "'2026-01-01 10:00'"),
        ("TIMESTAMP", "TIMESTAMP", "'2026-01-01T10:00:00Z'"),
        ("TIMESTAMP", "TIMESTAMP", "'2026-01-01 10:00:00+02:00'"),
        ("DATETIME", "TIMESTAMP", "1767225600"),
        ("INTEGER", "VARCHAR", "x'00'"),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_column(
    settings: Settings, path: Path, declared: str, type_: str, value: str
) -> None:
    with pytest.raises(PermanentError, match=r"clinic\.t: column 'v' of t holds a value of another type") as raised:
        arrived(settings, path, declared, type_, value)
    assert "secret" not in str(raised.value)
    assert batches(settings, Lake(settings), "clinic", "t") == []


def test_a_date_that_there_is_not_is_refused(settings: Settings, path: Path) -> None:
    with pytest.raises(PermanentError, match=r"clinic\.t: v holds a text that looks like a date") as raised:
        arrived(settings, path, "DATE", "DATE", "'2026-02-30'")
    assert "02-30" not in str(raised.value)


def test_bytes_that_are_no_text_are_refused(settings: Settings, path: Path) -> None:
    with pytest.raises(PermanentError, match="no UTF-8"):
        arrived(settings, path, "TEXT", "VARCHAR", "CAST(x'fffe' AS TEXT)")


def test_names_may_hold_anything_and_a_view_is_a_table(settings: Settings, path: Path) -> None:
    names = ["id", "select", "leer zeichen", 'a"b', "it's", "back`tick"]
    listed = ", ".join('"' + name.replace('"', '""') + '" INTEGER' for name in names)
    run(path, f"CREATE TABLE base ({listed})", "INSERT INTO base VALUES (0, 1, 2, 3, 4, 5)")
    run(path, "CREATE VIEW t AS SELECT * FROM base")
    source = source_of(path, dict.fromkeys(names, "BIGINT"))
    extract_table(settings, source, "t", DAY)
    shown = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    assert rows_now(settings, source, "t", shown) == [(0, 1, 2, 3, 4, 5)]


WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
number = 0
print("ready", flush=True)
while True:
    number += 1
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO t VALUES (?, 'new')", [100_000 + number])
    connection.execute("INSERT INTO u VALUES (?, 'new')", [100_000 + number])
    connection.execute("COMMIT")
"""


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_all_tables_show_one_moment_while_another_program_writes(settings: Settings, path: Path, journal: str) -> None:
    run(path, f"PRAGMA journal_mode = {journal}")
    for table in ("t", "u"):
        run(
            path,
            f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, v TEXT)",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) "
            f"INSERT INTO {table} SELECT i, 'old' FROM n",
        )
    writer = subprocess.Popen([sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        ended = extract_tables(settings, source_of(path, {"id": "BIGINT", "v": "VARCHAR"}), ["t", "u"], DAY)
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    first, second = ended["t"], ended["u"]
    assert isinstance(first, Extraction), first
    assert isinstance(second, Extraction), second
    assert first.manifest.lake_rows == first.manifest.source_rows == second.manifest.lake_rows >= 50_000
    assert first.manifest.snapshot == second.manifest.snapshot is not None


@pytest.mark.parametrize(
    ("kind", "type_", "values"),
    [
        ("DATETIME", "TIMESTAMP", ("'2026-01-01 10:00:00.25'", "'2026-01-02T10:00:00'")),
        ("DATE", "DATE", ("'2026-01-01'", "'2026-01-02'")),
        ("INTEGER", "BIGINT", ("10", "11")),
    ],
)
def test_a_later_batch_reads_what_changed_ties_and_rows_without_a_cursor(
    settings: Settings, path: Path, kind: str, type_: str, values: tuple[str, str]
) -> None:
    run(path, f"CREATE TABLE t (id INTEGER PRIMARY KEY, changed {kind})")
    run(path, f"INSERT INTO t VALUES (1, {values[0]}), (2, {values[0]}), (3, NULL)")
    cursor = {"column": "changed", "look_back": timedelta(0), "timezone": "UTC"}
    columns = {"id": "BIGINT", "changed": type_}
    source = source_of(path, columns, mode="incremental", cursor=cursor, deletes="compare_keys")
    assert extract_table(settings, source, "t", DAY).manifest.lake_rows == 3
    run(path, f"INSERT INTO t VALUES (4, {values[1]}), (5, {values[1]})", "DELETE FROM t WHERE id = 1")
    second = extract_table(settings, source, "t", NEXT_DAY).manifest
    # a number's next batch begins at the greatest one that was seen
    assert second.lake_rows == second.source_rows == (4 if type_ == "BIGINT" else 3)
    assert [row[0] for row in rows_now(settings, source, "t", "id")] == [2, 3, 4, 5]


def test_a_backfill_reads_its_window_and_what_changed_since_the_last_run(settings: Settings, path: Path) -> None:
    run(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, changed DATETIME)")
    run(path, "INSERT INTO t VALUES (1, '2026-01-01 10:00:00'), (2, '2026-01-02 10:00:00'), (3, '2026-01-02 11:00:00')")
    run(path, "INSERT INTO t VALUES (4, '2026-01-03 10:00:00')")
    cursor = {"column": "changed", "look_back": timedelta(0), "timezone": "UTC"}
    source = source_of(path, {"id": "BIGINT", "changed": "TIMESTAMP"}, mode="incremental", cursor=cursor)
    for number in (1, 2, 3):
        extract_table(settings, source, "t", Window.of_day(date(2026, 1, number)))
    run(path, "UPDATE t SET changed = '2026-01-05 10:00:00' WHERE id = 2")
    assert backfill_table(settings, source, "t", Backfill("again", NEXT_DAY)).manifest.lake_rows == 2
    assert [row[0] for row in rows_now(settings, source, "t", "id")] == [1, 2, 3, 4]


def test_a_cursor_that_is_no_time_is_refused_and_not_left_out(settings: Settings, path: Path) -> None:
    run(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, changed DATETIME)", "INSERT INTO t VALUES (1, 'gestern')")
    columns = {"id": "BIGINT", "changed": "TIMESTAMP"}
    source = source_of(path, columns, mode="incremental", cursor={"column": "changed"})
    with pytest.raises(PermanentError, match="column 'changed'"):
        extract_table(settings, source, "t", DAY)


def test_a_missing_file_and_a_missing_table_are_named(settings: Settings, path: Path) -> None:
    source = source_of(path, {"id": "BIGINT"})
    with pytest.raises(PermanentError, match=r"clinic: there is no file .*clinic\.db"):
        extract_table(settings, source, "t", DAY)
    run(path, "CREATE TABLE other (id INTEGER)")
    with pytest.raises(PermanentError, match=r"clinic\.t: the file has no table t\."):
        extract_table(settings, source, "t", DAY)


def test_a_file_of_another_kind_is_refused(settings: Settings, path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(PermanentError, match="cannot be read as a SQLite database"):
        extract_table(settings, source_of(path, {"id": "BIGINT"}), "t", DAY)


def test_a_damaged_file_is_refused_and_nothing_is_committed(settings: Settings, path: Path) -> None:
    run(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    run(path, "INSERT INTO t VALUES (1, hex(randomblob(100000)))")
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(PermanentError, match="cannot be read as a SQLite database"):
        extract_table(settings, source_of(path, {"id": "BIGINT", "v": "VARCHAR"}), "t", DAY)
    assert batches(settings, Lake(settings), "clinic", "t") == []


def test_a_file_that_a_writer_holds_is_a_passing_fault(
    settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_S", 0.1)
    run(path, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(PassingError, match="another program has held the SQLite file"):
            extract_table(settings, source_of(path, {"id": "BIGINT"}), "t", DAY)
