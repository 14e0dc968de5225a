"""Rows of a driver as Arrow batches of exactly the columns' types; a value that does not fit is told, never bent."""

import json
import uuid
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from wardlake.bronze.readers.arrow.columns import Column

FIRST_ROWS = 100
BATCH_BYTES = 32 * 1024**2

_PYTHON_TYPES: dict[int, tuple[type, ...]] = {
    **{type_.id: (int,) for type_ in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{type_.id: (int,) for type_ in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
    pa.decimal128(1).id: (Decimal, int),
    pa.float64().id: (float, int),
    pa.bool_().id: (bool,),
    pa.date32().id: (date,),
    pa.timestamp("us").id: (datetime,),
    pa.time64("us").id: (time,),
    pa.duration("us").id: (timedelta,),
    pa.large_string().id: (str,),
    pa.large_binary().id: (bytes, bytearray, memoryview),
    pa.uuid().id: (uuid.UUID,),
}


class UnfitError(ValueError):
    """A value that is not of its column's type; the text names column and row, and holds no value."""


class BatchSize:
    """How many rows are fetched at once: few at first, then as many as `BATCH_BYTES` hold of the widest seen so far."""

    def __init__(self, columns: Sequence[Column], limit: int) -> None:
        self._limit = limit
        self._row_bytes = max(1, sum(column.bytes for column in columns))
        self.rows = min(limit, FIRST_ROWS)

    def learn(self, batch: pa.RecordBatch) -> None:
        """Set `rows` by a batch that has been fetched."""
        self._row_bytes = max(self._row_bytes, batch.nbytes // batch.num_rows)
        self.rows = max(1, min(self._limit, BATCH_BYTES // self._row_bytes))


def batch_of(columns: Sequence[Column], rows: Sequence[Sequence[Any]], before: int) -> pa.RecordBatch:
    """A batch of one row or more, of which `before` rows came earlier.

    Raises:
        UnfitError: names the first column that does not fit, and its row, counted from 1.
    """
    arrays = [_array(column, values, before) for column, values in zip(columns, zip(*rows, strict=True), strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def _array(column: Column, values: Sequence[Any], before: int) -> pa.Array:
    array = _fitting(column, values)
    if array is None:
        place = next(place for place, value in enumerate(values) if _fitting(column, [value]) is None)
        raise UnfitError(f"column '{column.name}' holds a value that is no {column.arrow} in row {before + place + 1}")
    return array


def _fitting(column: Column, values: Sequence[Any]) -> pa.Array | None:
    """The values as an array, or None if one of them would have to change for it."""
    if column.is_any or (pa.types.is_large_string(column.arrow) and any(type(value) is Decimal for value in values)):
        values = [_text(value) for value in values]
    kinds = _PYTHON_TYPES[column.arrow.id]
    # a bool is an int and a datetime is a date to Python, and not to a database
    if any(value is not None and type(value) not in kinds for value in values):
        return None
    if pa.types.is_timestamp(column.arrow):
        has_zone = column.arrow.tz is not None and not column.is_utc
        if any(value is not None and (value.tzinfo is not None) != has_zone for value in values):
            return None
    try:
        return pa.array(values, type=column.arrow)
    except (pa.ArrowException, UnicodeError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
