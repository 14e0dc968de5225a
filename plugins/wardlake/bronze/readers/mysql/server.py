"""One connection to a MySQL server, held by a transaction of DuckDB, in which all tables show one moment."""

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import pymysql

from wardlake.bronze.readers.mysql.address import Address
from wardlake.bronze.readers.mysql.faults import Place, explain_login, unreachable
from wardlake.errors import WardlakeError
from wardlake.warehouse.connection import extension_file

CONNECT_TIMEOUT_S = 10
ATTACHED = "hospital"
SETTINGS = (
    "mysql_tinyint1_as_boolean = false",  # coded values would collapse to true and false
    "mysql_incomplete_dates_as_nulls = true",  # counted at the source, and refused with a clear message
    "mysql_order_pushdown_enabled = false",  # sorting is not the live server's work
    "mysql_sql_buffer_result = false",  # nor is a copy of the whole table
    "mysql_session_time_zone = '+00:00'",  # TIMESTAMP columns arrive in UTC
    "mysql_pool_size = 1",
)


@dataclass
class Server:
    """The server, as DuckDB's attached database `hospital`.

    All statements run on the one connection that the engine's transaction holds, whose snapshot they share; an error
    ends the transaction, and `begin` opens another one.
    """

    engine: duckdb.DuckDBPyConnection
    address: Address
    place: Place
    timeout_s: int
    snapshot: str | None = None
    moment: datetime | None = None

    def attach(self) -> None:
        """Connect.

        Raises:
            PermanentError: wrong address, login refused.
            PassingError: the server does not answer.
        """
        address, engine = self.address, self.engine
        self._knock()
        engine.execute(f"LOAD '{extension_file('mysql_scanner')}'")
        for setting in SETTINGS:
            engine.execute(f"SET {setting}")
        login = {
            "HOST": address.host,
            "PORT": str(address.port),
            "USER": address.user,
            "PASSWORD": address.password,
            "DATABASE": address.database,
        } | ({"SOCKET": address.unix_socket} if address.unix_socket else {})
        listed = ", ".join(f"{name} {quoted(value)}" for name, value in login.items())
        # compression, the scanner's default, takes more of the server's time than all the rest
        options = " ".join(f'{name}="{value}"' for name, value in (address.tls | {"compression": "disabled"}).items())
        try:
            # a secret, as the text of an attachment stands in error messages
            engine.execute(f"CREATE SECRET mysql_login (TYPE mysql, {listed})")
            engine.execute(f"ATTACH {quoted(options)} AS {ATTACHED} (TYPE mysql, SECRET mysql_login)")
        except duckdb.Error:
            raise self._diagnose() from None

    def begin(self) -> None:
        """Open the snapshot, unless it is open."""
        engine = self.engine
        if self.snapshot is not None:
            try:
                engine.execute("SELECT 1")
            except duckdb.TransactionException:
                engine.execute("ROLLBACK")
            else:
                return
        engine.execute("BEGIN TRANSACTION")
        version = str(self.rows("SELECT version()")[0][0])
        limit = (
            f"max_statement_time = {self.timeout_s}"
            if "mariadb" in version.lower()
            else f"max_execution_time = {self.timeout_s * 1000}"
        )
        self.execute(f"SET SESSION lc_messages = 'en_US', net_write_timeout = {self.timeout_s}, {limit}")
        self.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.moment = self._clock()  # before the snapshot: what commits in between is for the next batch
        self.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        self.snapshot = f"{self.moment.isoformat()}{self._position()}"

    def execute(self, statement: str) -> None:
        """Run a statement that has no rows."""
        self.engine.execute(f"FROM mysql_execute('{ATTACHED}', {quoted(statement)})").fetchall()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query; they are all held in memory."""
        return self.engine.execute(f"FROM {self.query(query)}").fetchall()

    def query(self, query: str) -> str:
        """A query as a table function of DuckDB; it runs on the server when DuckDB binds it, all rows in memory."""
        return f"mysql_query('{ATTACHED}', {quoted(query)}, stream_results = false)"

    def _clock(self) -> datetime:
        [(clock,)] = self.rows("SELECT date_format(utc_timestamp(6), '%Y-%m-%dT%H:%i:%s.%f')")
        return datetime.fromisoformat(clock).replace(tzinfo=UTC)

    def _position(self) -> str:
        """Of the snapshot in the server's binary log; MariaDB says it, if it writes one."""
        log = dict(self.rows("SHOW STATUS LIKE 'binlog_snapshot_%'"))
        file = log.get("Binlog_snapshot_file")
        return f" binlog {file}:{log['Binlog_snapshot_position']}" if file else ""

    def _knock(self) -> None:
        """The scanner waits minutes for a server that does not answer."""
        if self.address.unix_socket:
            return
        try:
            with socket.create_connection((self.address.host, self.address.port), CONNECT_TIMEOUT_S):
                return
        except OSError:
            raise unreachable(self.place) from None

    def _diagnose(self) -> WardlakeError:
        """Why the scanner could not connect: it gives no codes, and a text in the server's language."""
        address = self.address
        try:
            pymysql.connect(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password.encode(),  # a text would be sent in Latin-1
                database=address.database,
                unix_socket=address.unix_socket,
                connect_timeout=CONNECT_TIMEOUT_S,
            ).close()
        except pymysql.MySQLError as error:
            return explain_login(error, self.place)
        return unreachable(self.place)


def quoted(text: str) -> str:
    """A text for DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def double(name: str) -> str:
    """A name for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def backtick(name: str) -> str:
    """A name for the server."""
    return "`" + name.replace("`", "``") + "`"
