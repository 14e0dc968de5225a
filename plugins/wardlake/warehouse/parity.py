"""The same bronze built on several warehouses, and every cell of silver and gold compared exactly, order-free."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import duckdb

from wardlake.errors import PermanentError
from wardlake.settings import Settings, Warehouse
from wardlake.sources import active_sources
from wardlake.sql import as_name, as_text
from wardlake.warehouse import dbt
from wardlake.warehouse.adapter import BUILT_SCHEMAS
from wardlake.warehouse.connection import connect
from wardlake.warehouse.expose import expose_bronze


@dataclass(frozen=True)
class Difference:
    """A column of a table that is not the same in two warehouses; no value of it."""

    warehouse: str
    table: str
    column: str
    cells: int | None
    """Cells that the one warehouse has and the other has not; None if it has no such table, or the type is another."""

    @property
    def told(self) -> str:
        """The number of cells, or why nothing could be counted."""
        return "missing, or of another type" if self.cells is None else f"{self.cells:,}"


def named(listed: str) -> tuple[Warehouse, ...]:
    """Warehouses from their names by comma.

    Raises:
        PermanentError: there are fewer than two, or one of them is unknown.
    """
    names = [name.strip() for name in listed.split(",") if name.strip()]
    known = {name: name for name in get_args(Warehouse)}
    if len(names) < 2 or not set(names) <= known.keys():
        raise PermanentError(
            f"'{listed}' does not name two or more warehouses.", remedy=f"Choose from {', '.join(known)}, by comma."
        )
    return tuple(known[name] for name in dict.fromkeys(names))


def build_each(
    settings: Settings,
    warehouses: Sequence[Warehouse],
    progress: Callable[[str, str, int, int], None] = lambda *_: None,
) -> dict[Warehouse, Path]:
    """Build the current bronze on each warehouse; returns the DuckDB files that hold what they built.

    Raises:
        PermanentError: a warehouse cannot be used, or a model or test failed on it.
        PassingError: a server does not answer.
    """
    built: dict[Warehouse, Path] = {}
    for warehouse in warehouses:
        there = settings.model_copy(update={"warehouse": warehouse, "home": settings.home / "parity" / warehouse})
        expose_bronze(there, active_sources(there))

        def show(node: str, done: int, total: int, name: str = warehouse) -> None:
            progress(name, node, done, total)

        dbt.build(there, show, with_tests=False)
        built[warehouse] = there.warehouse_path
    return built


def compare(settings: Settings, built: Mapping[Warehouse, Path]) -> tuple[int, list[Difference]]:
    """How many cells of the first warehouse were compared with each of the others, and what differs."""
    (_, expected), *others = built.items()
    cells, differences = 0, []
    with connect(settings) as engine:
        engine.execute(f"ATTACH {as_text(str(expected))} AS expected (READ_ONLY)")
        cells = sum(_cells(engine, table) for table in _columns(engine, "expected"))
        for warehouse, path in others:
            engine.execute(f"ATTACH {as_text(str(path))} AS found (READ_ONLY)")
            differences += _compare(engine, warehouse)
            engine.execute("DETACH found")
    return cells, differences


def _compare(engine: duckdb.DuckDBPyConnection, warehouse: str) -> list[Difference]:
    expected, found = _columns(engine, "expected"), _columns(engine, "found")
    differences = []
    for table in sorted(expected.keys() | found.keys()):
        ours, theirs = expected.get(table, {}), found.get(table, {})
        if not ours or not theirs:
            differences.append(Difference(warehouse, table, "(all)", None))
            continue
        other_types = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
        differences += [Difference(warehouse, table, column, None) for column in other_types]
        same = [name for name in ours if name not in other_types]
        if same and (rows := _missing_rows(engine, table, same)):
            columns = {column: _missing_rows(engine, table, [column]) for column in same}
            told = {column: cells for column, cells in columns.items() if cells} or {"(combination)": rows}
            differences += [Difference(warehouse, table, column, cells) for column, cells in told.items()]
    return differences


def _missing_rows(engine: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> int:
    """Rows of one side that the other side has not, as often as they occur; the larger count of both directions."""
    listed = ", ".join(as_name(column) for column in columns)
    ours, theirs = (f"SELECT {listed} FROM {side}.{_quoted(table)}" for side in ("expected", "found"))
    missing = [
        int(engine.execute(f"SELECT count(*) FROM ({one} EXCEPT ALL {other})").fetchall()[0][0])
        for one, other in ((ours, theirs), (theirs, ours))
    ]
    return max(missing)


def _cells(engine: duckdb.DuckDBPyConnection, table: str) -> int:
    rows = engine.execute(f"SELECT count(*) FROM expected.{_quoted(table)}").fetchall()[0][0]
    return int(rows) * len(_columns(engine, "expected")[table])


def _quoted(table: str) -> str:
    return ".".join(as_name(part) for part in table.split(".", maxsplit=1))


def _columns(engine: duckdb.DuckDBPyConnection, database: str) -> dict[str, dict[str, str]]:
    """Types of the columns of all built tables."""
    found = engine.execute(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = ? AND schema_name IN (SELECT unnest(?)) ORDER BY ALL",
        [database, list(BUILT_SCHEMAS)],
    )
    tables: dict[str, dict[str, str]] = {}
    for schema, table, column, type_ in found.fetchall():
        tables.setdefault(f"{schema}.{table}", {})[column] = type_
    return tables
