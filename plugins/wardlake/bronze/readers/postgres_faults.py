"""What the errors of PostgreSQL mean to a data team; their own texts may hold values and are left out."""

import duckdb
import psycopg

from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.sources import Source

GONE = (
    "server closed the connection",
    "terminating connection",
    "connection to server",
    "connection not open",
    "no connection to the server",
    "could not receive data",
    "could not send data",
    "SSL connection has been closed",
    "the database system is",
    "invalid snapshot identifier",
    "could not import the requested snapshot",
)
"""Parts of texts by which libpq, which has no codes for them, says that the server is gone for now."""


FULL = (
    "too many connections",
    "too many clients",
    "remaining connection slots",
)


def explain(error: psycopg.Error, source: Source, place: str, relation: str = "") -> WardlakeError:
    """An error of a statement or of a login."""
    conn_id, text = getattr(source.connection, "conn_id", ""), str(error)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return PermanentError(
            f"{place}: the user of connection '{conn_id}' may not read {relation or 'it'}.",
            remedy=f"GRANT SELECT ON {relation or 'the table'} to that user.",
        )
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return _locked(place)
    if isinstance(error, psycopg.errors.QueryCanceled):
        return _too_slow(place)
    if isinstance(error, psycopg.DataError):
        return _unreadable(place)
    return _refusal(text, place, conn_id) or _unreachable(place, conn_id, type(error).__name__)


def explain_engine(error: duckdb.Error, *, source: Source, place: str) -> WardlakeError | None:
    """An error of PostgreSQL that came through DuckDB; None if it is DuckDB's own."""
    text, conn_id = str(error), getattr(source.connection, "conn_id", "")
    if any(part in text for part in FULL):
        return _full(place, conn_id)
    if "due to statement timeout" in text or "due to conflict with recovery" in text:
        return _too_slow(place)
    if "due to lock timeout" in text:
        return _locked(place)
    if any(part in text for part in GONE):
        return _unreachable(place, conn_id, type(error).__name__)
    if "numeric field overflow" in text or "invalid byte sequence" in text or "not valid UTF" in text:
        return _unreadable(place)
    return None


def _refusal(text: str, place: str, conn_id: str) -> WardlakeError | None:
    """Why a login was refused; None if it was not."""
    if "password authentication failed" in text or "no password supplied" in text:
        return PermanentError(
            f"{place}: the database refused the login of connection '{conn_id}'.",
            remedy=f"Correct user and password of the connection '{conn_id}'.",
        )
    if 'database "' in text and "does not exist" in text:
        return PermanentError(
            f"{place}: the database that connection '{conn_id}' names does not exist.",
            remedy=f"Correct the database name of the connection '{conn_id}'.",
        )
    return _full(place, conn_id) if any(part in text for part in FULL) else None


def _unreachable(place: str, conn_id: str, kind: str) -> PassingError:
    return PassingError(
        f"{place}: the database of connection '{conn_id}' cannot be reached or gave up ({kind}).",
        remedy="Check host, port and network, and that the server is up; the task will try again.",
    )


def _full(place: str, conn_id: str) -> PassingError:
    return PassingError(
        f"{place}: the server has no free connection for the user of connection '{conn_id}'.",
        remedy="Allow that user as many as 'max_connections' in the YAML, or lower that to 2 or more; the task will "
        "try again.",
    )


def _locked(place: str) -> PassingError:
    return PassingError(
        f"{place}: somebody else has locked the table, or waits to do so.",
        remedy="Schedule the run at another hour than what changes the table; the task will try again.",
    )


def _too_slow(place: str) -> PassingError:
    return PassingError(
        f"{place}: the server ended a statement that took longer than it allows.",
        remedy="Read it at a quieter hour ('hours'), or raise 'statement_timeout_s' in the YAML.",
    )


def _unreadable(place: str) -> PermanentError:
    return PermanentError(
        f"{place}: the database holds values that cannot be read as the contract says: numbers too great for their "
        "DECIMAL, or text that is not UTF-8.",
        remedy="Give the column a wider DECIMAL or VARCHAR in the YAML, or have the text corrected at the source.",
    )
