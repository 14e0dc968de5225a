"""What an error of a driver means. Its text may hold SQL, values and passwords: it is matched, and never shown."""

import re
from dataclasses import dataclass

from wardlake.bronze.readers.arrow.batches import UnfitError
from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.sources import Source

_MEANINGS = (
    (
        r"password authentication failed|no password supplied|Login failed for user|ORA-01017|ORA-28000|ORA-28001"
        r"|Access denied for user|SQLSTATE: 28|role \".*\" does not exist",
        "the database refused the login of connection '{conn_id}'.",
        "Correct user and password of the connection '{conn_id}'.",
    ),
    (
        r"database \".*\" does not exist|Cannot open database|Unknown database|ORA-12514|DPY-6001"
        r"|unable to open database file",
        "the database that connection '{conn_id}' names does not exist, or is closed to its user.",
        "Correct the database name of the connection '{conn_id}'.",
    ),
    (
        r"permission denied|permission was denied|ORA-01031|command denied|SQLSTATE: 42501",
        "the user of connection '{conn_id}' may not read {relation}.",
        "GRANT SELECT ON {relation} to that user.",
    ),
    (
        r"relation \".*\" does not exist|SQLSTATE: 42P01|Invalid object name|ORA-00942|doesn't exist|no such table",
        "the database has no table {relation} that this user can see.",
        "Correct 'relation' in {yaml}, or grant the user of connection '{conn_id}' the right to read it.",
    ),
)
"""What the text of a permanent fault matches, what it means, and what to do."""

_TOO_SLOW = (
    r"statement timeout|SQLSTATE: 57014|max_statement_time|maximum statement execution time|DPY-4024|ORA-01013"
    r"|Query timeout expired"
)
_LOST = r"terminating connection|server closed the connection|onnection reset|no connection to the server|Broken pipe"
_PASSING = ("OperationalError", "InterfaceError", "InternalError", "TimeoutError", "DisconnectionError")
_PACKAGES = {"mssql_python": "mssql-python", "MySQLdb": "mysqlclient", "ibm_db_dbi": "ibm-db-sa"}


@dataclass(frozen=True)
class Place:
    """Where an error was met: a table of a source, or the source as a whole."""

    source: Source
    table: str = ""
    relation: str = ""

    def __str__(self) -> str:
        return f"{self.source.name}.{self.table}" if self.table else self.source.name


def explain(error: Exception, place: Place, rows: int = 0) -> WardlakeError:
    """An error of a driver or of a batch, met after so many rows, as one that a data team can act on."""
    conn_id = getattr(place.source.connection, "conn_id", "")
    yaml = f"dags/sources/{place.source.name}.yaml"
    if isinstance(error, UnfitError):
        return PermanentError(
            f"{place}: {error}.",
            remedy="Correct it at the source, or give the column another type there; a number without precision is "
            f"read as the DECIMAL or VARCHAR that {yaml} says.",
        )
    cause = getattr(error, "orig", None) or error
    for pattern, meaning, remedy in _MEANINGS:
        if re.search(pattern, str(cause)):
            named = {"conn_id": conn_id, "relation": place.relation, "yaml": yaml}
            return PermanentError(f"{place}: {meaning.format(**named)}", remedy=remedy.format(**named))
    if re.search(_TOO_SLOW, str(cause)):
        return PassingError(
            f"{place}: the server ended a statement that took longer than 'statement_timeout_s'.",
            remedy=f"Raise it in {yaml}, read at a quieter hour, or read the table with mode: incremental.",
        )
    kinds = {kind.__name__ for kind in (*type(error).__mro__, *type(cause).__mro__)}
    after = f" after row {rows}" if rows else ""
    if kinds.intersection(_PASSING) or re.search(_LOST, str(cause)):
        return PassingError(
            f"{place}: the database of connection '{conn_id}' cannot be reached or gave up{after} "
            f"({type(cause).__name__}).",
            remedy="Check host, port and network, and that the server is up; the task will try again.",
        )
    return PermanentError(
        f"{place}: the database or its driver refused the work{after} ({type(cause).__name__}).",
        remedy=f"Read the table with another client as the user of connection '{conn_id}' to see why.",
    )


def missing_table(place: Place) -> PermanentError:
    """The database does not show the table to this user."""
    return PermanentError(
        f"{place}: the database has no table {place.relation} that this user can see.",
        remedy=f"Correct 'relation' in dags/sources/{place.source.name}.yaml, or grant the user the right to read it.",
    )


def missing_column(place: Place, column: str) -> PermanentError:
    """The table has no cursor."""
    return PermanentError(
        f"{place}: the table {place.relation} has no column '{column}', which is its cursor.",
        remedy=f"Correct 'cursor' in dags/sources/{place.source.name}.yaml.",
    )


def missing_driver(error: ImportError, place: Place) -> PermanentError:
    """The Python package of the database's driver is not installed here."""
    module = (error.name or "").split(".")[0]
    package = _PACKAGES.get(module, module.replace("_", "-"))
    return PermanentError(
        f"{place}: the driver '{module}' is not installed.",
        remedy=f"Install it where Wardlake runs: pip install {package}.",
    )
