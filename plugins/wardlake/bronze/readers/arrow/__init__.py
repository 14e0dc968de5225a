"""Rows of databases that have a SQLAlchemy or an ADBC driver, read over one connection in Arrow batches.

| module | what it knows |
|---|---|
| `session` | how a table is read: one stream of batches, then its number of rows and checks |
| `alchemy`, `adbc` | the two kinds of driver |
| `moment` | how a database shows one moment, read only, and how it ends a long statement |
| `columns` | which Arrow type a column of a database is read as |
| `batches` | how rows become Arrow batches |
| `queries` | the statements |
| `faults` | what a driver's error means |
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from wardlake.bronze.readers.arrow.session import ArrowSession
from wardlake.bronze.relation import Opening

MODULES = {"sqlalchemy": "alchemy", "adbc": "adbc"}


@contextmanager
def session(opening: Opening) -> Iterator[ArrowSession]:
    """One connection, in a transaction in which all tables show one moment if the database can do that.

    Raises:
        PassingError: the database does not answer.
        PermanentError: the driver is not installed, the address is wrong, the login was refused.
    """
    module = import_module(f"{__name__}.{MODULES[opening.source.connection.kind]}")
    opened = ArrowSession(opening, module.driver(opening))
    try:
        opened.connect()
        yield opened
    finally:
        opened.close()
