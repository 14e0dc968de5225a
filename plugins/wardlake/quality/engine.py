"""A suite's rules on a view, pushed down: counts come back, values and row ids never enter Python.

Importing this module imports Great Expectations, which takes seconds: import it where a batch is judged, not above.

Expectations are resolved as Great Expectations' Validator does, in the result format BOOLEAN_ONLY: no query for failing
values is ever sent, and all column rules share one scan. The counts are read from the metrics that the expectations
ask for; the Validator would throw them away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.metrics_calculator import MetricsCalculator

from wardlake.quality.duckdb_metrics import ROW_ID, DuckDBEngine, rows_of
from wardlake.quality.outcome import Outcome, failure
from wardlake.quality.suites import Rule

QUERY_ROWS = "unexpected_rows_query.table"
QUERY_COUNT = "unexpected_rows_query.row_count"
RUNTIME = {"result_format": {"result_format": "BOOLEAN_ONLY"}}
NONNULL = "column_values.nonnull.unexpected_count"


def evaluate(connection: duckdb.DuckDBPyConnection, view: str, rules: Sequence[Rule]) -> list[Outcome]:
    """Outcomes of the rules on a view, in their order.

    A rule that cannot be evaluated is an `error` with a message that holds no value of the data.

    Raises:
        duckdb.Error: the data cannot be read, or memory is short; this is no fault of a rule.
    """
    engine = DuckDBEngine(connection)
    batch = SqlAlchemyBatchData(execution_engine=engine, table_name=view, create_temp_table=False)
    engine.load_batch_data(view, batch)
    rows = int(connection.execute(f'SELECT count(*) FROM "{view}"').fetchall()[0][0])
    columns = columns_of(connection, f'FROM "{view}"')
    prepared = [_prepare(engine, view, columns, rule) for rule in rules]
    metrics = _resolve(engine, [one for one in prepared if isinstance(one, _Prepared)], catch_exceptions=True)
    return [_outcome(engine, rows, one, metrics) if isinstance(one, _Prepared) else one for one in prepared]


def columns_of(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """Names of the columns of a query's result; the query is not run."""
    return [name for name, *_ in connection.execute(f"DESCRIBE {query}").fetchall()]


def check_expectation(type_: str, kwargs: dict[str, Any]) -> str | None:
    """What Great Expectations has against the type or the arguments of an expectation; None if nothing."""
    try:
        ExpectationConfiguration(type=type_, kwargs=dict(kwargs)).to_domain_obj()
    except Exception as error:  # noqa: BLE001  whatever it raises is the answer
        return " ".join(str(error).split())
    return None


@dataclass(frozen=True)
class _Prepared:
    """An expectation and the metrics that it asks for."""

    expectation: Expectation
    dependencies: dict[str, MetricConfiguration]
    query: str | None
    has_row_ids: bool

    @property
    def needed(self) -> list[MetricConfiguration]:
        """The metrics to compute: of a query's rows only their count, never the rows."""
        return [metric for name, metric in self.dependencies.items() if name != QUERY_ROWS]

    def find(self, ending: str) -> MetricConfiguration | None:
        """The metric whose name ends so; the count of nulls comes along with each column rule and is found last."""
        found = [name for name in self.dependencies if name.endswith(ending)]
        own = [name for name in found if not name.startswith(NONNULL)] or found
        return self.dependencies[own[0]] if own else None


def _prepare(engine: DuckDBEngine, view: str, columns: list[str], rule: Rule) -> _Prepared | Outcome:
    if missing := [name for name in rule.columns if name not in columns]:
        return Outcome("error", message=f"the batch has no column {', '.join(missing)}")
    try:
        expectation = ExpectationConfiguration(type=rule.type, kwargs={**rule.kwargs, "batch_id": view}).to_domain_obj()
        asked = expectation.get_validation_dependencies(execution_engine=engine, runtime_configuration=RUNTIME)
        query = rule.kwargs["unexpected_rows_query"].format(batch=view) if rule.is_query else None
    except Exception as error:  # noqa: BLE001  Great Expectations raises many kinds; no data was read yet
        return Outcome("error", message=f"Great Expectations refuses the rule ({type(error).__name__})")
    return _Prepared(expectation, asked.metric_configurations, query, ROW_ID in columns)


def _resolve(engine: DuckDBEngine, rules: Sequence[_Prepared], *, catch_exceptions: bool) -> dict[Any, Any]:
    calculator = MetricsCalculator(engine, show_progress_bars=False)
    runtime = {"catch_exceptions": catch_exceptions}
    graph = calculator.build_metric_dependency_graph([metric for rule in rules for metric in rule.needed], runtime)
    metrics, _ = calculator.resolve_validation_graph(graph, runtime)
    return metrics


def _outcome(engine: DuckDBEngine, rows: int, rule: _Prepared, metrics: dict[Any, Any]) -> Outcome:
    try:
        if any(metric.id not in metrics for metric in rule.needed):
            # column rules share one query, and a rule that raises takes the others down with it
            metrics = _resolve(engine, [rule], catch_exceptions=False)
        if rule.query is not None:
            return _read_query_rule(engine, rows, rule, metrics)
        return _read_expectation(engine, rule, metrics)
    except Exception as error:  # noqa: BLE001  a rule that raises must not stop the others, and is never passed
        return failure(error)


def _read_query_rule(engine: DuckDBEngine, rows: int, rule: _Prepared, metrics: dict[Any, Any]) -> Outcome:
    count = int(metrics[rule.dependencies[QUERY_COUNT].id])
    if not count:
        return Outcome("passed" if rows else "not_applicable", rows)
    has_row_ids = ROW_ID in columns_of(engine.connection, str(rule.query))
    if not has_row_ids:
        return Outcome("failed", max(rows, count), count)
    return Outcome("failed", rows, count, rows_query=rule.query)


def _read_expectation(engine: DuckDBEngine, rule: _Prepared, metrics: dict[Any, Any]) -> Outcome:
    if any(metrics[metric.id] is None for metric in rule.needed):
        return Outcome("not_applicable")
    counted = rule.find(".unexpected_count")
    if counted is None:
        is_met = rule.expectation.metrics_validate(
            metrics=metrics, execution_engine=engine, runtime_configuration=RUNTIME
        ).success
        return Outcome("passed", 1) if is_met else Outcome("failed", 1, 1)
    unexpected = metrics[counted.id]
    rows = rule.find(".filtered_row_count") or rule.dependencies["table.row_count"]
    nulls = rule.dependencies.get(NONNULL)
    evaluated = metrics[rows.id] - (metrics[nulls.id] if nulls and nulls is not counted else 0)
    if not evaluated:
        return Outcome("not_applicable")
    if not unexpected:
        return Outcome("passed", int(evaluated))
    query = rows_of(engine, counted, metrics) if rule.has_row_ids else None
    return Outcome("failed", int(evaluated), int(unexpected), rows_query=query)
