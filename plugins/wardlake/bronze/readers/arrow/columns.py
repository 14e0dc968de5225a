"""Which Arrow type a column of a database is read as; no type loses digits, zones or moments on the way.

| type in the database | type in DuckDB |
|---|---|
| integers | by size, TINYINT to BIGINT; BIGINT on SQLite, DECIMAL(38,0) on Oracle |
| numeric(p, s), money of SQL Server | DECIMAL(p,s); VARCHAR above 38 digits |
| numeric without precision | the contract's DECIMAL or VARCHAR, else DECIMAL(38,10) |
| floating point | DOUBLE |
| date, time, timestamp, timestamp with time zone | DATE, TIME, TIMESTAMP, TIMESTAMP WITH TIME ZONE |
| text, enumerations | VARCHAR |
| JSON, arrays | VARCHAR with the JSON text |
| interval | INTERVAL; on PostgreSQL VARCHAR, as its months have no length |
| binary, row version | BLOB |
| UUID | UUID |
| all others | VARCHAR: on PostgreSQL the database's own text, else the driver's; bytes as hexadecimal digits |
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import mssql, oracle, postgresql
from sqlalchemy.types import TypeEngine

MAX_DIGITS = 38
UNSCALED = pa.decimal128(MAX_DIGITS, 10)
UTC_TIME = pa.timestamp("us", tz="UTC")
UNBOUNDED_BYTES = 64 * 1024
"""What a value of a text or binary column without a length is taken to need."""

_MONEY = {mssql.MONEY: pa.decimal128(19, 4), mssql.SMALLMONEY: pa.decimal128(10, 4)}
_INTEGERS = {"TINYINT": pa.int8(), "SMALLINT": pa.int16(), "BIGINT": pa.int64()}
Rule = Callable[[str, Any, str, str | None], "Column"]
_UNSIGNED = {pa.int8(): pa.uint8(), pa.int16(): pa.uint16(), pa.int32(): pa.uint32(), pa.int64(): pa.uint64()}


@dataclass(frozen=True)
class Column:
    """A column as it is read.

    `expression` is what is selected, of a type whose values SQLAlchemy hands over as Python's. `is_utc` says that times
    come without a zone and are UTC. `is_any` says that values may be of any Python type and become text. `bytes` is
    what a value may need.
    """

    name: str
    expression: sa.ColumnElement[Any]
    arrow: pa.DataType
    is_utc: bool = False
    is_any: bool = False
    bytes: int = 16


def column_of(name: str, found: TypeEngine[Any], dialect: str, declared: str | None) -> Column:
    """How a column of the type `found` is read; `declared` is its type in the contract, if the contract lists it."""
    while isinstance(found, postgresql.DOMAIN):
        found = found.data_type
    for kinds, rule in _RULES:
        if isinstance(found, kinds) and not _is_clock_with_zone(found):
            return rule(name, found, dialect, declared)
    return _any(name, found, dialect)


def number_type(precision: int, scale: int) -> pa.DataType:
    """The decimal of a numeric(precision, scale), or text if it has more digits than a decimal can hold."""
    digits = max(precision - min(scale, 0), scale)
    return pa.decimal128(digits, max(scale, 0)) if digits <= MAX_DIGITS else pa.large_string()


def unscaled_type(declared: str | None) -> pa.DataType:
    """What numbers without a declared precision are read as: what the contract says, if it holds any number."""
    declared = (declared or "").upper()
    if decimal := re.fullmatch(r"DECIMAL\((\d+), *(\d+)\)", declared):
        return number_type(int(decimal[1]), int(decimal[2]))
    return pa.large_string() if declared == "VARCHAR" else UNSCALED


def _is_clock_with_zone(found: TypeEngine[Any]) -> bool:
    return isinstance(found, types.Time) and found.timezone


def _plain(kind: type[TypeEngine[Any]], arrow: pa.DataType) -> Rule:
    return lambda name, *_: Column(name, sa.column(name, kind()), arrow)


def _money(name: str, found: TypeEngine[Any], *_: str | None) -> Column:
    arrow = _MONEY[type(found)]
    return Column(name, sa.column(name, types.Numeric(arrow.precision, arrow.scale)), arrow)


def _numeric(name: str, found: types.Numeric[Any], _: str, declared: str | None) -> Column:
    arrow = unscaled_type(declared) if found.precision is None else number_type(found.precision, found.scale or 0)
    scale = arrow.scale if pa.types.is_decimal(arrow) else found.scale
    return Column(name, sa.column(name, types.Numeric(found.precision, scale)), arrow)


def _integer(name: str, found: types.Integer, dialect: str, *_: str | None) -> Column:
    if dialect in ("sqlite", "oracle"):
        arrow = pa.int64() if dialect == "sqlite" else pa.decimal128(MAX_DIGITS, 0)
    else:
        arrow = _INTEGERS.get(type(found).__name__.upper(), pa.int32())
        if isinstance(found, mssql.TINYINT) or getattr(found, "unsigned", False):
            arrow = _UNSIGNED[arrow]
    return Column(name, sa.column(name, types.Integer()), arrow)


def _moment(name: str, found: types.DateTime, dialect: str, *_: str | None) -> Column:
    has_zone = found.timezone or isinstance(found, mssql.DATETIMEOFFSET)
    if dialect == "oracle" and (has_zone or getattr(found, "local_timezone", False)):
        # the driver drops the zone of what it reads
        zoned = sa.cast(sa.column(name), oracle.TIMESTAMP(timezone=True))
        return Column(name, sa.func.sys_extract_utc(zoned, type_=types.DateTime()), UTC_TIME, is_utc=True)
    kind = types.DateTime(timezone=has_zone)
    return Column(name, sa.column(name, kind), UTC_TIME if has_zone else pa.timestamp("us"))


def _text(name: str, found: types.String, *_: str | None) -> Column:
    if isinstance(found, types.Enum):
        as_text = sa.cast(sa.column(name), types.String())
        return Column(name, as_text, pa.large_string(), bytes=found.length or UNBOUNDED_BYTES)
    kind = next((kind for kind in (types.CHAR, types.Text) if isinstance(found, kind)), types.String)
    return Column(name, sa.column(name, kind()), pa.large_string(), bytes=found.length or UNBOUNDED_BYTES)


def _binary(name: str, found: TypeEngine[Any], *_: str | None) -> Column:
    length = getattr(found, "length", None)
    width = length if isinstance(length, int) else UNBOUNDED_BYTES
    return Column(name, sa.column(name, types.LargeBinary()), pa.large_binary(), bytes=width)


def _any(name: str, found: TypeEngine[Any], dialect: str) -> Column:
    column: sa.ColumnElement[Any] = sa.column(name)
    if dialect == "postgresql":
        column = sa.cast(sa.func.to_json(column) if isinstance(found, types.ARRAY) else column, types.Text())
    return Column(name, column, pa.large_string(), is_any=True, bytes=UNBOUNDED_BYTES)


_RULES: tuple[tuple[type[Any] | tuple[type[Any], ...], Rule], ...] = (
    (types.Boolean, _plain(types.Boolean, pa.bool_())),
    ((mssql.MONEY, mssql.SMALLMONEY), _money),
    (types.Numeric, _numeric),
    (types.Float, _plain(types.Float, pa.float64())),
    (types.Integer, _integer),
    (types.DateTime, _moment),
    (types.Date, _plain(types.Date, pa.date32())),
    (types.Time, _plain(types.Time, pa.time64("us"))),
    (types.Uuid, _plain(types.Uuid, pa.uuid())),
    (types.String, _text),
    ((types.LargeBinary, types.BINARY, mssql.TIMESTAMP, oracle.RAW), _binary),
    ((types.Interval, oracle.INTERVAL), _plain(types.NullType, pa.duration("us"))),
)
"""The first that fits counts: Oracle's NUMBER is a Numeric and an Integer."""
