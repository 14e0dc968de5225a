"""Every MySQL type arrives as the value that it was, or is refused by name."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from clinic import DAY
from mariadb_server import Database
from mysql_clinic import rows_now, source_of

from wardlake.bronze import extract_table
from wardlake.errors import PermanentError
from wardlake.settings import Settings

WIDE = "12345678901234567890123456789012345.123456789012345678901234567890"
UUID = "6ccd780c-baba-1026-9564-5b8c656024db"
POINT = "000000000101000000000000000000F03F0000000000000040"


def arrived(
    settings: Settings, mariadb: Database, declared: str, type_: str, *values: str, shown: str = "v"
) -> list[Any]:
    """Values of a column as they stand in bronze, in the order of the inserts; `shown` is an expression over it."""
    mariadb.run(
        f"CREATE TABLE t (id INT PRIMARY KEY, v {declared})",
        "INSERT INTO t VALUES " + ", ".join(f"({number}, {value})" for number, value in enumerate(values)),
    )
    source = source_of({"t": {"columns": {"id": "INTEGER", "v": type_}}})
    manifest = extract_table(settings, source, "t", DAY, mariadb.uri).manifest
    assert manifest.checksum is not None
    return [value for _, value in rows_now(settings, source, "t", f"id, {shown}")]


@pytest.mark.parametrize(
    ("declared", "type_", "values", "expected"),
    [
        ("TINYINT(1)", "TINYINT", ("7", "0", "-1"), [7, 0, -1]),
        ("BOOLEAN", "TINYINT", ("true", "false"), [1, 0]),
        ("BIT(1)", "BOOLEAN", ("b'1'", "b'0'"), [True, False]),
        ("BIT(64)", "BLOB", ("0xfffffffffffffffe", "0"), [b"\xff" * 7 + b"\xfe", b"\0" * 8]),
        ("TINYINT UNSIGNED", "UTINYINT", ("255",), [255]),
        ("SMALLINT UNSIGNED", "USMALLINT", ("65535",), [65535]),
        ("MEDIUMINT", "INTEGER", ("-8388608",), [-8388608]),
        ("MEDIUMINT UNSIGNED", "UINTEGER", ("16777215",), [16777215]),
        ("INT(8) ZEROFILL", "UINTEGER", ("42",), [42]),
        ("BIGINT", "BIGINT", ("-9223372036854775808", "9223372036854775807"), [-(2**63), 2**63 - 1]),
        ("BIGINT UNSIGNED", "UBIGINT", ("18446744073709551615",) * 2, [2**64 - 1] * 2),
        ("DECIMAL(10,0)", "DECIMAL(10,0)", ("9999999999",), [Decimal("9999999999")]),
        ("DECIMAL(18,4)", "DECIMAL(18,4)", ("-0.0001", "99999999999999.9999"),
         [Decimal("-0.0001"), Decimal("99999999999999.9999")]),
        ("DECIMAL(38,10)", "DECIMAL(38,10)", ("1234567890123456789012345678.0123456789",),
         [Decimal("1234567890123456789012345678.0123456789")]),
        ("DECIMAL(65,30)", "VARCHAR", (WIDE, "-1"), [WIDE, "-1." + "0" * 30]),
        ("DOUBLE", "DOUBLE", ("0.1", "-1.7976931348623157e308"), [0.1, -1.7976931348623157e308]),
        ("DATE", "DATE", ("'0001-01-01'", "'9999-12-31'"), ["0001-01-01", "9999-12-31"]),
        ("DATETIME(6)", "TIMESTAMP", ("'2024-02-29 12:34:56.123456'", "'9999-12-31 23:59:59'"),
         ["2024-02-29 12:34:56.123456", "9999-12-31 23:59:59"]),
        ("TIMESTAMP(3) NULL", "TIMESTAMP WITH TIME ZONE", ("'2024-07-01 10:00:00.125'",),
         ["2024-07-01 10:00:00.125+00"]),
        ("TIME(6)", "VARCHAR", ("'838:59:59'", "'-100:00:00.5'", "'07:30:00'"),
         ["838:59:59", "-100:00:00.5", "07:30:00"]),
        ("YEAR", "INTEGER", ("2155", "1901"), [2155, 1901]),
        ("CHAR(10)", "VARCHAR", ("'ab  '", "''"), ["ab", ""]),
        ("VARCHAR(50)", "VARCHAR", ("'Grüße 😀 مرحبا'", "''", "'NULL'", "'a\\0b'", "'ab  '"),
         ["Grüße 😀 مرحبا", "", "NULL", "a\0b", "ab  "]),
        ("VARCHAR(50) CHARACTER SET latin1", "VARCHAR", ("'Grüße €'", "0x81"), ["Grüße €", "\x81"]),
        ("VARCHAR(50) COLLATE utf8mb4_bin", "VARCHAR", ("'é'",), ["é"]),
        ("LONGTEXT", "VARCHAR", ("repeat('ä', 100000)",), ["ä" * 100_000]),
        ("BINARY(4)", "BLOB", ("'ab'",), [b"ab\0\0"]),
        ("VARBINARY(10)", "BLOB", ("0x00ff80", "''"), [b"\0\xff\x80", b""]),
        ("LONGBLOB", "BLOB", ("repeat(0xff, 100000)",), [b"\xff" * 100_000]),
        ("JSON", "VARCHAR", ("""'{"a": 1}'""",), ['{"a": 1}']),
        ("ENUM('a','b')", "VARCHAR", ("'b'",), ["b"]),
        ("SET('x','y')", "VARCHAR", ("'x,y'", "''"), ["x,y", ""]),
        ("UUID", "VARCHAR", (f"'{UUID}'",), [UUID]),
        ("INET6", "VARCHAR", ("'::1'",), ["::1"]),
        ("POINT", "BLOB", ("point(1, 2)",), [bytes.fromhex(POINT)]),
        ("GEOMETRYCOLLECTION", "BLOB", ("geometrycollection(point(1, 2))",),
         [bytes.fromhex("00000000" "010700000001000000" + POINT[8:])]),
        ("INT AS (id + 1) VIRTUAL", "INTEGER", ("DEFAULT",), [1]),
    ],
)  # fmt: skip
def test_a_value_arrives_as_it_was_and_null_stays_null(
    settings: Settings, mariadb: Database, declared: str, type_: str, values: tuple[str, ...], expected: list[Any]
) -> None:
    shown = "v::VARCHAR" if type_ in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE") else "v"
    absent = () if "AS (" in declared else ("NULL",)
    found = arrived(settings, mariadb, declared, type_, *values, *absent, shown=shown)
    assert found == expected + [None for _ in absent]


def test_a_single_float_keeps_its_bits(settings: Settings, mariadb: Database) -> None:
    assert arrived(settings, mariadb, "FLOAT", "FLOAT", "1.1", "-1e38", shown="v::VARCHAR") == ["1.1", "-1e+38"]


@pytest.mark.parametrize("value", ["0000-00-00", "2024-00-00", "2024-01-00"])
@pytest.mark.parametrize(("declared", "type_"), [("DATE", "DATE"), ("DATETIME", "TIMESTAMP")])
def test_a_date_without_month_or_day_is_refused_and_counted(
    settings: Settings, mariadb: Database, declared: str, type_: str, value: str
) -> None:
    with pytest.raises(PermanentError, match=r"clinic\.t: dates without month or day.* by column: 'v' 2\.") as raised:
        arrived(settings, mariadb, declared, type_, f"'{value}'", f"'{value}'", "'2024-01-01'", "NULL")
    assert value == "0000-00-00" or value not in str(raised.value)


def test_a_zero_timestamp_is_refused(settings: Settings, mariadb: Database) -> None:
    with pytest.raises(PermanentError, match=r"'v' 1\."):
        arrived(settings, mariadb, "TIMESTAMP NULL", "TIMESTAMP WITH TIME ZONE", "0", "NULL")


def test_a_date_that_the_contract_declares_as_text_is_read_as_it_is(settings: Settings, mariadb: Database) -> None:
    found = arrived(settings, mariadb, "DATE", "VARCHAR", "'0000-00-00'", "'2024-00-31'", "'2024-01-01'", "NULL")
    assert found == ["0000-00-00", "2024-00-31", "2024-01-01", None]


def test_what_must_be_cast_at_the_source_needs_an_integer_key(settings: Settings, mariadb: Database) -> None:
    mariadb.run("CREATE TABLE t (id VARCHAR(10) PRIMARY KEY, v DECIMAL(65,30))")
    source = source_of({"t": {"columns": {"id": "VARCHAR", "v": "VARCHAR"}}})
    with pytest.raises(PermanentError, match=r"v must be cast at the source.*integer primary key"):
        extract_table(settings, source, "t", DAY, mariadb.uri)


def test_many_rows_that_must_be_cast_come_in_pages(settings: Settings, mariadb: Database) -> None:
    mariadb.run(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, v DECIMAL(65,30), b BIT(1), moment TIMESTAMP(6) NULL, ti TIME(6), "
        "d DECIMAL(10,2) UNSIGNED, s TEXT COLLATE utf8mb4_bin)",
        "INSERT INTO t SELECT CAST(seq AS SIGNED) * 3 - 100000, seq / 7, seq % 2, '2024-07-01 10:00:00.5', "
        "'-100:00:00.5', 99999999.99, 'ä' FROM seq_1_to_60000",
    )
    columns = {"id": "BIGINT", "v": "VARCHAR", "b": "BOOLEAN", "moment": "TIMESTAMP WITH TIME ZONE", "ti": "VARCHAR"}
    columns |= {"d": "DECIMAL(10,2)", "s": "VARCHAR"}
    source = source_of({"t": {"columns": columns}})
    manifest = extract_table(settings, source, "t", DAY, mariadb.uri).manifest
    assert manifest.source_rows == manifest.lake_rows == 60_000
    found = rows_now(settings, source, "t", "id, v, b, moment::VARCHAR, ti, d, s")
    assert len({row[0] for row in found}) == 60_000
    assert found[0] == (
        -99997, "0.142857142000000000000000000000", True, "2024-07-01 10:00:00.5+00", "-100:00:00.5",
        Decimal("99999999.99"), "ä",
    )  # fmt: skip


def test_names_may_hold_anything(settings: Settings, mariadb: Database) -> None:
    names = ["id", "select", "leer zeichen", "ümläut", 'a"b', "it's", "back`tick", "back\\slash", "100%"]
    listed = ", ".join("`" + name.replace("`", "``") + "` INT" for name in names[1:])
    mariadb.run(
        f"CREATE TABLE t (id INT PRIMARY KEY, {listed.replace('%', '%%')})".replace("%%", "%"),
        "INSERT INTO t VALUES (0, 1, 2, 3, 4, 5, 6, 7, 8)",
    )
    source = source_of({"t": {"columns": dict.fromkeys(names, "INTEGER")}})
    assert extract_table(settings, source, "t", DAY, mariadb.uri).manifest.checksum is not None
    shown = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    assert rows_now(settings, source, "t", shown) == [tuple(range(9))]


@pytest.fixture
def elsewhere(mariadb: Database) -> Iterator[None]:
    """The server's own clock is not UTC."""
    before = mariadb.run("SELECT @@global.time_zone")[0][0]
    mariadb.run("SET GLOBAL time_zone = '+05:30'")
    yield
    mariadb.run(f"SET GLOBAL time_zone = '{before}'")


@pytest.mark.usefixtures("elsewhere")
def test_a_timestamp_does_not_depend_on_the_servers_time_zone(settings: Settings, mariadb: Database) -> None:
    found = arrived(
        settings, mariadb, "TIMESTAMP NULL", "TIMESTAMP WITH TIME ZONE", "'2024-07-01 10:00:00'", shown="v::VARCHAR"
    )
    assert found == ["2024-07-01 10:00:00+00"]
