"""Every type of PostgreSQL on its way into bronze, at its limits."""

# ruff: noqa: E501  one line for each type and each table reads best

from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from clinic import DAY, FACILITY

from wardlake.bronze import current_batches, current_query, extract_table
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect

PLAIN = {
    # name: type in PostgreSQL, type in bronze, values as SQL, values as DuckDB gives them back
    "small": ("smallint", "SMALLINT", ["-32768", "32767"], [-32768, 32767]),
    "whole": ("integer", "INTEGER", ["-2147483648", "2147483647"], [-(2**31), 2**31 - 1]),
    "big": ("bigint", "BIGINT", ["-9223372036854775808", "9223372036854775807"], [-(2**63), 2**63 - 1]),
    "money_like": ("numeric(12,2)", "DECIMAL(12,2)", ["-9999999999.99", "0.01"], [Decimal("-9999999999.99"), Decimal("0.01")]),
    "widest": ("numeric(38,10)", "DECIMAL(38,10)", [f"{'9' * 28}.{'9' * 10}", "0"], [Decimal(f"{'9' * 28}.{'9' * 10}"), Decimal("0E-10")]),
    "real_one": ("double precision", "DOUBLE", ["1e300", "'-Infinity'"], [1e300, float("-inf")]),
    "is_open": ("boolean", "BOOLEAN", ["true", "false"], [True, False]),
    "script": ("text", "VARCHAR", ["'Zoë 李小龍 Ңұр 👩🏽‍⚕️ עברית'", "''"], ["Zoë 李小龍 Ңұр 👩🏽‍⚕️ עברית", ""]),
    "short": ("varchar(10)", "VARCHAR", ["'a''b\"c'", "E'tab\\tnl\\n'"], ["a'b\"c", "tab\tnl\n"]),
    "padded": ("char(4)", "VARCHAR", ["'ab'", "'abcd'"], ["ab", "abcd"]),
    "binary_one": ("bytea", "BLOB", ["'\\x00ff00'", "''"], [b"\x00\xff\x00", b""]),
    "day": ("date", "DATE", ["'0001-01-01'", "'9999-12-31'"], [date(1, 1, 1), date(9999, 12, 31)]),
    "wall": ("timestamp", "TIMESTAMP", ["'1066-10-14 09:00:00.000001'", "'9999-12-31 23:59:59.999999'"],
             [datetime(1066, 10, 14, 9, 0, 0, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)]),  # noqa: DTZ001
    "moment": ("timestamptz", "TIMESTAMP WITH TIME ZONE", ["'2026-10-25 02:30:00+02'", "'2026-10-25 02:30:00+01'"],
               [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]),
    "clock": ("time", "TIME", ["'23:59:59.999999'", "'00:00'"], [time(23, 59, 59, 999999), time(0, 0)]),
    "guid": ("uuid", "UUID", ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"], [UUID(int=0), UUID(int=2**128 - 1)]),
    "numbers": ("integer[]", "INTEGER[]", ["'{1,null,3}'", "'{}'"], [[1, None, 3], []]),
    "words": ("text[]", "VARCHAR[]", ["array['a,b','']", "'{}'"], [["a,b", ""], []]),
    "document": ("json", "VARCHAR", ["'{\"a\": 1.10}'", "'null'"], ['{"a": 1.10}', "null"]),
    "binary_document": ("jsonb", "VARCHAR", ["'{\"a\": 1.10}'", "'[]'"], ['{"a": 1.10}', "[]"]),
    "state": ("ward_state", "VARCHAR", ["'open'", "'closed'"], ["open", "closed"]),
    "length": ("interval", "VARCHAR", ["'1 mon 2 days 03:04:05'", "'-1 day'"], ["1 mon 2 days 03:04:05", "-1 days"]),
    "address": ("inet", "VARCHAR", ["'10.0.0.1/8'", "'::1'"], ["10.0.0.1/8", "::1/128"]),
    "span": ("int4range", "VARCHAR", ["'[1,5)'", "'empty'"], ["[1,5)", "empty"]),
    "zoned_clock": ("timetz", "VARCHAR", ["'12:00+02'", "'00:00Z'"], ["12:00:00+02", "00:00:00+00"]),
}  # fmt: skip


def source(columns: dict[str, str], **table: object) -> Source:
    """A source with one table `sample` whose key is `id`."""
    return Source.model_validate(
        {
            "name": "clinic",
            "description": "Types.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "postgres", "conn_id": "clinic_db"},
            "provides": ["wards"],
            "tables": {
                "sample": {
                    "description": "Types.",
                    "relation": "adt.sample",
                    "keys": ["id"],
                    "columns": {name: {"type": type_, "pii": "none"} for name, type_ in columns.items()},
                    **table,
                }
            },
        }
    )


def read_back(settings: Settings, spec: Source, columns: str) -> list[tuple[object, ...]]:
    table = spec.tables["sample"]
    manifests = current_batches(settings, Lake(settings), spec, "sample")
    with connect(settings) as engine:
        query = current_query(settings, table, manifests)
        return engine.execute(f"SELECT {columns} FROM ({query}) ORDER BY id").fetchall()


def test_values_of_every_type_arrive_as_they_are(settings: Settings, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("create schema adt; create type ward_state as enum ('open', 'closed')")
        declared = ", ".join(f"{name} {type_}" for name, (type_, *_) in PLAIN.items())
        connection.execute(f"create table adt.sample (id int primary key, {declared})")
        for row in (0, 1):
            values = ", ".join(values[row] for _, _, values, _ in PLAIN.values())
            connection.execute(f"insert into adt.sample values ({row}, {values})")
        connection.execute("insert into adt.sample (id) values (2)")
    spec = source({"id": "INTEGER"} | {name: type_ for name, (_, type_, *_) in PLAIN.items()})
    manifest = extract_table(settings, spec, "sample", DAY, database).manifest
    assert manifest.checksum
    assert manifest.snapshot
    found = read_back(settings, spec, ", ".join(f'"{name}"' for name in PLAIN))
    expected = [tuple(given[row] for *_, given in PLAIN.values()) for row in (0, 1)]
    for name, first, second in zip(PLAIN, found[0], found[1], strict=True):
        assert (name, first, second) == (name, *PLAIN[name][3])
    assert found == [*expected, (None,) * len(PLAIN)]


def test_times_that_never_end_and_times_before_christ_stay_so(settings: Settings, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "create schema adt; create table adt.sample (id int primary key, d date, t timestamp, z timestamptz)"
        )
        connection.execute("insert into adt.sample values (1, 'infinity', 'infinity', '-infinity')")
        connection.execute(
            "insert into adt.sample values (2, '0044-03-15 BC', '0044-03-15 12:00 BC', '0044-03-15 12:00Z BC')"
        )
    spec = source({"id": "INTEGER", "d": "DATE", "t": "TIMESTAMP", "z": "TIMESTAMP WITH TIME ZONE"})
    extract_table(settings, spec, "sample", DAY, database)
    assert read_back(settings, spec, "d::varchar, t::varchar, z::varchar") == [
        ("infinity", "infinity", "-infinity"),
        ("0044-03-15 (BC)", "0044-03-15 (BC) 12:00:00", "0044-03-15 (BC) 12:00:00+00"),
    ]


@pytest.mark.parametrize(
    ("declared", "contract", "value", "arrives"),
    [
        ("numeric", "DECIMAL(38,10)", "12.25", Decimal("12.2500000000")),
        ("numeric", "DECIMAL(18,3)", "12.25", Decimal("12.250")),
        ("numeric", "VARCHAR", f"{'7' * 60}.{'3' * 60}", f"{'7' * 60}.{'3' * 60}"),
        ("numeric(50,20)", "VARCHAR", "1.5", "1.50000000000000000000"),
        ("numeric", "VARCHAR", "'NaN'", "NaN"),
    ],
)
def test_numbers_of_any_precision_arrive_exactly(
    settings: Settings, database: str, declared: str, contract: str, value: str, arrives: object
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(f"create schema adt; create table adt.sample (id int primary key, n {declared})")
        connection.execute(f"insert into adt.sample values (1, {value})")
    spec = source({"id": "INTEGER", "n": contract})
    extract_table(settings, spec, "sample", DAY, database)
    assert read_back(settings, spec, "n") == [(arrives,)]


@pytest.mark.parametrize("reconcile", ["checksum", "count"])
@pytest.mark.parametrize("value", ["0.12345678901", f"{'9' * 40}", "'NaN'"])
def test_a_number_that_would_change_is_refused_without_being_shown(
    settings: Settings, database: str, value: str, reconcile: str
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("create schema adt; create table adt.sample (id int primary key, n numeric)")
        connection.execute(f"insert into adt.sample values (1, {value})")
    spec = source({"id": "INTEGER", "n": "DECIMAL(38,10)"}, reconcile=reconcile)
    with pytest.raises(PermanentError, match=r"clinic\.sample.*VARCHAR") as raised:
        extract_table(settings, spec, "sample", DAY, database)
    assert value.strip("'") not in str(raised.value)


def test_text_that_is_not_utf8_is_refused(settings: Settings, postgres_server: str) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("drop database if exists raw_bytes")
        admin.execute("create database raw_bytes encoding 'SQL_ASCII' template template0 locale 'C'")
    database = postgres_server.replace("/postgres?", "/raw_bytes?")
    with psycopg.connect(database) as connection:
        connection.execute("create schema adt; create table adt.sample (id int primary key, name text)")
        connection.execute("insert into adt.sample values (1, convert_from('\\x4c6fff70657a', 'SQL_ASCII'))")
    with pytest.raises(PermanentError, match=r"clinic\.sample.*not UTF-8") as raised:
        extract_table(settings, source({"id": "INTEGER", "name": "VARCHAR"}), "sample", DAY, database)
    assert "pez" not in str(raised.value)
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("drop database raw_bytes with (force)")


def test_names_that_need_quotes(settings: Settings, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            'create schema adt; create table adt.sample (id int primary key, "select" int, "Größe in cm" int, "q""t" int)'
        )
        connection.execute("insert into adt.sample values (1, 2, 3, 4)")
    spec = source({"id": "INTEGER", "select": "INTEGER", "Größe in cm": "INTEGER", 'q"t': "INTEGER"})
    extract_table(settings, spec, "sample", DAY, database)
    assert read_back(settings, spec, '"select", "Größe in cm", "q""t"') == [(2, 3, 4)]


@pytest.mark.parametrize("kind", ["view", "materialized view", "partitioned table", "foreign key order"])
def test_whatever_can_be_selected_can_be_read(settings: Settings, database: str, kind: str) -> None:
    made = {
        "view": "create table adt.t (id int); insert into adt.t select generate_series(1, 1000); create view adt.sample as select id from adt.t",
        "materialized view": "create materialized view adt.sample as select generate_series(1, 1000) as id",
        "partitioned table": "create table adt.sample (id int) partition by range (id); create table adt.p1 partition of adt.sample "
        "for values from (0) to (500); create table adt.p2 partition of adt.sample for values from (500) to (2000); "
        "insert into adt.sample select generate_series(1, 1000)",
        "foreign key order": "create table adt.sample (id int); insert into adt.sample select 1001 - g from generate_series(1, 1000) g",
    }[kind]
    with psycopg.connect(database) as connection:
        connection.execute(f"create schema adt; {made}")
    spec = source({"id": "INTEGER"})
    extract_table(settings, spec, "sample", DAY, database)
    assert [row for (row,) in read_back(settings, spec, "id")] == list(range(1, 1001))
