"""One module for each kind of system. Each turns a table, a kind of file or a resource into a `Relation`."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from wardlake.bronze.relation import Opening, Session

MODULES = {
    "postgres": "postgres",
    "mysql": "mysql",
    "sqlite": "sqlite",
    "sqlalchemy": "arrow",
    "adbc": "arrow",
    "landing": "files",
    "folder": "files",
    "sftp": "files",
    "fhir": "fhir",
    "rest": "rest",
}
"""Kind of connection to module; a module is imported when a source of its kind is read."""


@contextmanager
def open_session(opening: Opening) -> Iterator[Session]:
    """Open a source: `session(opening)` of the module of its kind.

    Raises:
        PassingError: the source does not answer.
        PermanentError: wrong address, login refused.
    """
    module = import_module(f"{__name__}.{MODULES[opening.source.connection.kind]}")
    with module.session(opening) as session:
        yield session
