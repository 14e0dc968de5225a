"""How a database shows one moment, read only where it can, and how it ends a statement that takes too long.

| dialect | one moment | read only | statement timeout |
|---|---|---|---|
| postgresql | REPEATABLE READ | yes | statement_timeout |
| mysql, mariadb | consistent snapshot | yes | max_execution_time, max_statement_time |
| mssql | SNAPSHOT if the database allows it, else none | no | of the driver; LOCK_TIMEOUT for locks |
| oracle | read only transaction | yes | call_timeout of the driver, for each fetch |
| sqlite | a transaction | yes | no |
| others | the database's default | no | no |
"""

from typing import Any

import sqlalchemy as sa

CONNECT_TIMEOUT_S = 10

_CONNECT_ARGUMENTS = {
    "psycopg": "connect_timeout",
    "psycopg2": "connect_timeout",
    "pymysql": "connect_timeout",
    "pymssql": "login_timeout",
    "mssqlpython": "timeout",
    "pyodbc": "timeout",
    "oracledb": "tcp_connect_timeout",
}


def connect_arguments(driver: str, statement_timeout_s: int) -> dict[str, Any]:
    """What a driver is given beside the address, so that it does not wait for ever."""
    arguments = {_CONNECT_ARGUMENTS[driver]: CONNECT_TIMEOUT_S} if driver in _CONNECT_ARGUMENTS else {}
    return arguments | ({"timeout": statement_timeout_s} if driver == "pymssql" else {})


def begin(connection: sa.Connection, statement_timeout_s: int) -> str | None:
    """Begin a transaction that shows one moment, if the database can do that; returns the moment's name, if it has one.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database refused.
    """
    milliseconds = statement_timeout_s * 1000
    match connection.dialect.name:
        case "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
            return str(connection.exec_driver_sql("SELECT pg_current_snapshot()").scalar_one())
        case "mysql" | "mariadb":
            limit = (
                f"max_statement_time = {statement_timeout_s}"
                if getattr(connection.dialect, "is_mariadb", False)
                else f"max_execution_time = {milliseconds}"
            )
            connection.exec_driver_sql(f"SET SESSION {limit}")
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        case "mssql":
            _limit_driver(connection, "timeout", statement_timeout_s)
            connection.exec_driver_sql(f"SET LOCK_TIMEOUT {milliseconds}")
            allowed = "SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()"
            may_snapshot = connection.exec_driver_sql(allowed).scalar() == 1
            connection.rollback()
            if may_snapshot:
                connection.execution_options(isolation_level="SNAPSHOT")
        case "oracle":
            _limit_driver(connection, "call_timeout", milliseconds)
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        case "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
            connection.exec_driver_sql("BEGIN")
    return None


def _limit_driver(connection: sa.Connection, name: str, limit: int) -> None:
    driver_connection = connection.connection.driver_connection
    if hasattr(driver_connection, name):
        setattr(driver_connection, name, limit)
