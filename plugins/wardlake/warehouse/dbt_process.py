"""dbt itself, started as `python -m wardlake.warehouse.dbt_process`: errors of engines without the values they quote.

dbt writes the errors of an engine to logs and results. dbt-duckdb has a hook for what has to happen before
(wardlake.warehouse.dbt_plugin); the adapters of the other warehouses have none, and are changed here before dbt begins.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from dbt.cli.main import cli

from wardlake.privacy import without_values
from wardlake.settings import load_settings

Handler = Callable[..., AbstractContextManager[None]]


def main() -> None:
    """Prepare the adapter of the warehouse, then run dbt with the arguments of this process."""
    prepare = {"postgres": prepare_postgres, "spark": prepare_spark}.get(load_settings().warehouse)
    if prepare:
        prepare()
    cli(prog_name="dbt")


def prepare_postgres() -> None:
    """Errors of psycopg2 say what was wrong, and in which statement of ours, but show no row."""
    import psycopg2  # noqa: PLC0415  only with this warehouse
    from dbt.adapters.postgres.connections import PostgresConnectionManager  # noqa: PLC0415

    def told(error: BaseException) -> Exception | None:
        if not isinstance(error, psycopg2.Error):
            return None
        about_the_query = (error.pgcode or "").startswith("42")
        message = error.diag.message_primary or "the connection failed"
        return type(error)(without_values(message, keep_names=about_the_query))

    _translate_errors(PostgresConnectionManager, told)


def prepare_spark() -> None:
    """Errors of Spark begin with a line about what was wrong; the plan and the stack behind it are left out.

    dbt-spark switches Spark's ANSI mode off; without it a sum that overflows and a text that is no number become NULL.
    """
    from dbt.adapters.spark.connections import SparkConnectionManager, SparkCredentials  # noqa: PLC0415
    from py4j.protocol import Py4JJavaError  # noqa: PLC0415
    from pyspark.errors import PySparkException  # noqa: PLC0415  only with this warehouse

    def told(error: BaseException) -> Exception | None:
        found = error if isinstance(error, PySparkException) else error.__cause__  # dbt-spark wraps some of them
        if isinstance(found, Py4JJavaError):
            return RuntimeError(f"Java failed: {found.java_exception.getClass().getName()}")
        if not isinstance(found, PySparkException):
            return None
        return RuntimeError(without_values(str(found).partition("\n")[0]))

    _translate_errors(SparkConnectionManager, told)
    finish = SparkCredentials.__post_init__

    def with_ansi_mode(credentials: SparkCredentials) -> None:
        finish(credentials)
        credentials.server_side_parameters["spark.sql.ansi.enabled"] = "true"

    setattr(SparkCredentials, "__post_init__", with_ansi_mode)  # noqa: B010  typed as a method


def _translate_errors(manager: type[Any], told: Callable[[BaseException], Exception | None]) -> None:
    inner: Handler = manager.exception_handler

    @contextmanager
    def exception_handler(self: Any, sql: str, *more: str) -> Iterator[None]:
        with inner(self, sql, *more):
            try:
                yield
            except Exception as error:
                if (better := told(error)) is None:
                    raise
                raise better from None

    manager.exception_handler = exception_handler


if __name__ == "__main__":
    main()
