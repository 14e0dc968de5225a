"""What was found at a system, before anything is written: tables, their columns, and a sample of their rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import duckdb
import pyarrow as pa

from wardlake.sources import LINEAGE_COLUMNS
from wardlake.sql import as_name

SAMPLE_ROWS = 100_000
BATCH_ROWS = 5_000


class UnreadableError(ValueError):
    """A table or file that cannot be described; the text says why and holds no value of the data."""


@dataclass(frozen=True)
class FoundColumn:
    """A column as its reader delivers it; `type` is DuckDB's name. `path` is its place in JSON or XML."""

    name: str
    type: str = "VARCHAR"
    description: str = ""
    path: str | None = None

    @property
    def is_moment(self) -> bool:
        """Whether its type is a date or a time of a day."""
        return self.type.startswith(("DATE", "TIMESTAMP"))

    @property
    def is_plain(self) -> bool:
        """Whether a value is one figure or text, and no list, structure or binary."""
        return not (self.type.endswith("]") or self.type.startswith(("STRUCT", "MAP", "UNION", "BLOB", "JSON")))


@dataclass(frozen=True)
class FoundTable:
    """A table of a database, or all files of one pattern.

    `reads` is what the YAML says of where its rows come from. `sample` is a DuckDB table of at most SAMPLE_ROWS rows
    with the same columns. `declared_keys` are the keys that the system itself names, else empty. `notes` are what a
    person should look at.
    """

    name: str
    description: str
    reads: Mapping[str, object]
    columns: tuple[FoundColumn, ...]
    sample: str
    declared_keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """All tables of a system; `connection` is the YAML's, `left_out` says what was seen and not described, and why."""

    connection: Mapping[str, object]
    tables: tuple[FoundTable, ...]
    left_out: tuple[str, ...] = field(default=())


def create_text_sample(
    engine: duckdb.DuckDBPyConnection, sample: str, names: Sequence[str], rows: Iterable[Sequence[str | None]]
) -> int:
    """Put the first SAMPLE_ROWS rows of text into a new table; returns how many. Empty text is no value."""
    schema = pa.schema([(name, pa.string()) for name in names])
    listed = ", ".join(f"{as_name(name)} VARCHAR" for name in names)
    engine.execute(f"CREATE TABLE {as_name(sample)} ({listed})")
    wanted, count = islice(rows, SAMPLE_ROWS), 0
    while batch := list(islice(wanted, BATCH_ROWS)):
        columns = [pa.array([value or None for value in values], pa.string()) for values in zip(*batch, strict=True)]
        engine.register("_batch", pa.table(columns, schema=schema))
        engine.execute(f"INSERT INTO {as_name(sample)} FROM _batch")
        engine.unregister("_batch")
        count += len(batch)
    return count


def refuse_unusable(names: Sequence[str]) -> None:
    """Columns without names, with a name that another has in other letters, or that lineage needs, fit in no YAML.

    Raises:
        UnreadableError: numbers the columns; where there is no header, what seems to be their names are values.
    """
    if empty := [number for number, name in enumerate(names, start=1) if not name.strip()]:
        raise UnreadableError(f"its columns {', '.join(map(str, empty))} have no name")
    lowered = [name.lower() for name in names]
    if twice := [number for number, name in enumerate(lowered, start=1) if lowered.count(name) > 1]:
        raise UnreadableError(f"its columns {', '.join(map(str, twice))} have the name of another column")
    if reserved := [name for name in names if name in LINEAGE_COLUMNS]:
        raise UnreadableError(f"its columns {', '.join(reserved)} have names that Wardlake keeps for lineage")
