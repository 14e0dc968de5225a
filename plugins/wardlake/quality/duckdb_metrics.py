"""Great Expectations' execution engine for DuckDB, and the metrics that it computes better or not at all by itself.

Great Expectations has no DuckDB. duckdb-engine speaks SQLAlchemy, and four things are bent, by Great Expectations' own
means of extension (a metric registered for an engine goes before that of its parent):
- it fetches rows after it has closed its connection, so a cursor fetches when it executes;
- it reads a row of the table to learn its columns, so DuckDB's DESCRIBE is asked instead;
- it knows no regular expressions of DuckDB;
- it counts repeated values with a window over all rows, where grouping them is several times faster.
"""

import logging
from typing import Any

import duckdb
import duckdb_engine
import sqlalchemy as sa
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.expectations.registry import register_core_expectations, register_core_metrics
from great_expectations.validator.metric_configuration import MetricConfiguration

ROW_ID = "_row_id"
COLUMN_DOMAIN = ("batch_id", "table", "column", "row_condition", "condition_parser")
COLUMNS_DOMAIN = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")

REPEATED = ("column_values.unique", "compound_columns.unique")

logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)  # it logs failed queries, values and all
register_core_metrics()
register_core_expectations()


class DuckDBEngine(SqlAlchemyExecutionEngine):
    """Execution engine over an open DuckDB connection; the metrics below are registered for it by its name."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        pool = sa.create_engine("duckdb://", creator=lambda: _Connection(connection), poolclass=sa.pool.StaticPool)
        # names of columns that are words of DuckDB's SQL, such as "at", must be quoted; SQLAlchemy knows PostgreSQL's
        words = connection.execute("SELECT keyword_name FROM duckdb_keywords()").fetchall()
        pool.dialect.identifier_preparer.reserved_words = {word for (word,) in words}
        super().__init__(engine=pool, create_temp_table=False)


class _Cursor(duckdb_engine.CursorWrapper):
    """Fetches its rows when it executes: they are a few counts."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, wrapper: "_Connection") -> None:
        super().__init__(connection, wrapper)
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []
        self.description: Any = None
        self.rowcount = -1

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:  # noqa: ARG002
        self._connection.execute(statement, parameters or None)
        self.description = self._connection.description
        self._rows = self._connection.fetchall() if self.description else []

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = 1) -> list[tuple[Any, ...]]:
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.fetchmany(None)


class _Connection(duckdb_engine.ConnectionWrapper):
    """A connection that outlives SQLAlchemy's pool: its owner closes it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(connection)
        self._connection = connection

    def cursor(self) -> _Cursor:
        return _Cursor(self._connection, self)

    def close(self) -> None:
        pass


class DuckDBColumnTypes(TableMetricProvider):
    """Columns and types of the batch, without reading a row."""

    metric_name = "table.column_types"
    value_keys = ("include_nested",)
    default_kwarg_values = {"include_nested": True}  # noqa: RUF012  as the base class declares it

    @metric_value(engine=DuckDBEngine)
    def _duckdb(cls, execution_engine: DuckDBEngine, metric_domain_kwargs: dict[str, Any], **_: Any) -> Any:  # noqa: N805
        batch: Any = execution_engine.batch_manager.batch_data_cache[metric_domain_kwargs["batch_id"]]
        described = execution_engine.connection.execute(f'DESCRIBE "{batch.selectable.name}"').fetchall()
        return [{"name": name, "type": type_, "primary_key": False} for name, type_, *_ in described]


class DuckDBMatchRegex(ColumnMapMetricProvider):
    """A value holds a match of the expression (RE2 syntax), as on other engines."""

    condition_metric_name = "column_values.match_regex"
    condition_value_keys = ("regex",)

    @column_condition_partial(engine=DuckDBEngine)
    def _duckdb(cls, column: Any, regex: str, **_: Any) -> Any:  # noqa: N805
        return sa.func.regexp_matches(column, regex)


class DuckDBNotMatchRegex(ColumnMapMetricProvider):
    """A value holds no match of the expression (RE2 syntax)."""

    condition_metric_name = "column_values.not_match_regex"
    condition_value_keys = ("regex",)

    @column_condition_partial(engine=DuckDBEngine)
    def _duckdb(cls, column: Any, regex: str, **_: Any) -> Any:  # noqa: N805
        return sa.not_(sa.func.regexp_matches(column, regex))


class DuckDBRepeatedValues(MetricProvider):
    """Number of rows whose value in a column occurs more than once; NULL is no value."""

    metric_name = "column_values.unique.unexpected_count"
    domain_keys = COLUMN_DOMAIN

    @metric_value(engine=DuckDBEngine)
    def _duckdb(cls, execution_engine: DuckDBEngine, metric_domain_kwargs: dict[str, Any], **_: Any) -> int:  # noqa: N805
        return _count_repeated(execution_engine, metric_domain_kwargs, [metric_domain_kwargs["column"]])


class DuckDBRepeatedCombinations(MetricProvider):
    """Number of rows whose values in several columns occur more than once together; a row with a NULL never does."""

    metric_name = "compound_columns.unique.unexpected_count"
    domain_keys = COLUMNS_DOMAIN

    @metric_value(engine=DuckDBEngine)
    def _duckdb(cls, execution_engine: DuckDBEngine, metric_domain_kwargs: dict[str, Any], **_: Any) -> int:  # noqa: N805
        return _count_repeated(execution_engine, metric_domain_kwargs, metric_domain_kwargs["column_list"])


def _count_repeated(engine: DuckDBEngine, domain: dict[str, Any], names: list[str]) -> int:
    columns = _columns(names)
    groups = (
        _complete(engine, domain, columns, sa.func.count().label("rows"))
        .group_by(*columns)
        .having(sa.func.count() > 1)
        .subquery()
    )
    counted: Any = engine.execute_query(sa.select(sa.func.coalesce(sa.func.sum(groups.c.rows), 0))).scalar()
    return int(counted)


def rows_of(engine: DuckDBEngine, count: MetricConfiguration, metrics: dict[Any, Any]) -> str:
    """SQL for the ids of the rows that a column rule has counted.

    Great Expectations has such a query, which forgets the rule's row condition, cannot name repeated combinations, and
    leaves `$1` in place of a 1. This one is made of the same condition that was counted.
    """
    domain, map_metric = count.metric_domain_kwargs, count.metric_name.removesuffix(".unexpected_count")
    if map_metric in REPEATED:
        columns = _columns(domain.get("column_list") or [domain["column"]])
        alike = sa.func.count().over(partition_by=columns).label("_alike")
        counted = _complete(engine, domain, columns, sa.column(ROW_ID), alike).subquery()
        query = sa.select(counted.c[ROW_ID]).where(counted.c["_alike"] > 1)
    else:
        value = count.metric_value_kwargs
        condition, compute_domain, accessor = metrics[MetricConfiguration(f"{map_metric}.condition", domain, value).id]
        rows = engine.get_domain_records({**compute_domain, **accessor})
        query = sa.select(sa.column(ROW_ID)).select_from(_from(rows)).where(condition)
    return str(query.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True}))


def _columns(names: list[str]) -> list[sa.ColumnElement[Any]]:
    return [sa.column(name) for name in names]


def _complete(
    engine: DuckDBEngine, domain: dict[str, Any], columns: list[sa.ColumnElement[Any]], *selected: Any
) -> sa.Select[Any]:
    """Select from the rows of a domain that have a value in all columns."""
    rows = _from(engine.get_domain_records(domain))
    return sa.select(*selected).select_from(rows).where(*(column.is_not(None) for column in columns))


def _from(rows: Any) -> Any:
    return rows.subquery() if isinstance(rows, sa.Select) else rows
