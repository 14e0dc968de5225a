"""What an error of a MySQL server means; its own text may hold values and is never shown."""

from dataclasses import dataclass

import pymysql
from pymysql.constants import ER

from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.sources import Source

LOST = ("lost connection", "gone away", "connection was killed", "server shutdown", "can't connect", "malformed packet")
TIMEOUT = ("max_statement_time exceeded", "maximum statement execution time exceeded")
PASSING = (
    "failed to fetch",
    "query execution was interrupted",
    "lock wait timeout",
    "deadlock found",
    "table definition has changed",
)
DENIED = ("command denied", "access denied")
MISSING = ("doesn't exist", "unknown column", "unknown table")
LOGIN_REFUSED = (ER.ACCESS_DENIED_ERROR, 1698)  # 1698: the account has another way to log in
HOST_REFUSED = (1129, ER.HOST_NOT_PRIVILEGED)
TOO_MANY = (ER.CON_COUNT_ERROR, ER.TOO_MANY_USER_CONNECTIONS, 1226)


@dataclass(frozen=True)
class Place:
    """What the messages name."""

    source: Source
    table: str | None = None
    relation: str | None = None

    def __str__(self) -> str:
        return f"{self.source.name}.{self.table}" if self.table else self.source.name

    @property
    def connection(self) -> str:
        """The connection, for a message."""
        return f"connection '{getattr(self.source.connection, 'conn_id', '')}'"


def explain(error: Exception, place: Place) -> WardlakeError | None:
    """The meaning of an error that DuckDB passes on from the server; None if it is of another kind.

    The session speaks English with the server, whatever the server's own language is.
    """
    text = str(error).lower()
    if any(phrase in text for phrase in TIMEOUT):
        return PassingError(
            f"{place}: the server ended a statement that took longer than statement_timeout_s.",
            remedy="Raise statement_timeout_s of the connection, or read less at once; the task will try again.",
        )
    if any(phrase in text for phrase in (*LOST, *PASSING)):
        return broken(place)
    if "mysql" not in text and "failed to" not in text:
        return None
    if any(phrase in text for phrase in DENIED):
        return PermanentError(
            f"{place}: the user of {place.connection} may not read {place.relation}.",
            remedy=f"GRANT SELECT ON {place.relation} to that user.",
        )
    if any(phrase in text for phrase in MISSING):
        return missing(place)
    return None


def explain_login(error: pymysql.MySQLError, place: Place) -> WardlakeError:
    """Why a connection could not be opened."""
    code = error.args[0] if error.args else 0
    if code in LOGIN_REFUSED:
        return PermanentError(
            f"{place}: the server refused the login of {place.connection}.",
            remedy=f"Correct user and password of the {place.connection}.",
        )
    if code in (ER.BAD_DB_ERROR, ER.DBACCESS_DENIED_ERROR):
        return PermanentError(
            f"{place}: the database that {place.connection} names does not exist, or its user may not use it.",
            remedy=f"Correct the database name of the {place.connection}, or GRANT SELECT on it to that user.",
        )
    if code in HOST_REFUSED:
        return PermanentError(
            f"{place}: the server refuses connections from this machine ({place.connection}).",
            remedy="Let the server's administrator allow the user from this machine's address.",
        )
    if code in TOO_MANY:
        return PassingError(
            f"{place}: the server has too many connections ({place.connection}).",
            remedy="Read it at a quieter hour ('hours' in its YAML); the task will try again.",
        )
    return unreachable(place)


def unreachable(place: Place) -> PassingError:
    """The server cannot be reached."""
    return PassingError(
        f"{place}: the server of {place.connection} cannot be reached.",
        remedy="Check host, port and network, and that the server is up; the task will try again.",
    )


def broken(place: Place) -> PassingError:
    """The server broke off."""
    return PassingError(
        f"{place}: the server of {place.connection} broke off: it went away, ended the connection, or "
        "ended a statement that took longer than statement_timeout_s.",
        remedy="The task will try again; raise statement_timeout_s if it ends after that time again.",
    )


def missing(place: Place) -> PermanentError:
    """The table is not there."""
    return PermanentError(
        f"{place}: the database has no table {place.relation} that this user can see.",
        remedy=f"Correct 'relation' in dags/sources/{place.source.name}.yaml, or GRANT SELECT ON {place.relation}.",
    )
