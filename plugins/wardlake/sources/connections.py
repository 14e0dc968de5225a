"""How a hospital system is reached. Addresses with secrets come from the connection `conn_id`, never from the YAML."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from wardlake.sources.strict import Identifier, Strict


class _Database(Strict):
    """What all databases share: limits that keep a live system unharmed."""

    conn_id: Identifier
    max_connections: int = Field(4, ge=1, le=32, description="Connections opened on the hospital's server at once.")
    statement_timeout_s: int = Field(600, ge=1, description="Seconds after which the server ends a statement.")


class PostgresConnection(_Database):
    """A PostgreSQL database. One connection holds the snapshot and counts, one or two read."""

    kind: Literal["postgres"]
    max_connections: int = Field(4, ge=2, le=32, description="Connections opened on the hospital's server at once.")


class MySqlConnection(_Database):
    """A MySQL or MariaDB database. One connection reads, whatever `max_connections` allows."""

    kind: Literal["mysql"]


class SqliteConnection(Strict):
    """A SQLite file, which is copied and then read."""

    kind: Literal["sqlite"]
    path: Path = Field(description="File; a relative path starts at the project's folder.")


class SqlAlchemyConnection(_Database):
    """SQL Server, Oracle or any other database that has a SQLAlchemy driver; the address is a SQLAlchemy URL."""

    kind: Literal["sqlalchemy"]
    batch_rows: int = Field(50_000, ge=1, description="Rows fetched from the server at once.")


class AdbcConnection(_Database):
    """Any database that has an ADBC driver."""

    kind: Literal["adbc"]
    driver: str = Field(description="The driver's Python module, for example adbc_driver_postgresql.")


class LandingConnection(Strict):
    """Files that a system drops under `<prefix>/` in the landing bucket."""

    kind: Literal["landing"]
    prefix: str


class FolderConnection(Strict):
    """Files in a folder of this machine or of a mounted share."""

    kind: Literal["folder"]
    path: Path = Field(description="Folder; a relative path starts at the project's folder.")


class SftpConnection(Strict):
    """Files on an SFTP server; user, password or key come from the connection `conn_id`."""

    kind: Literal["sftp"]
    conn_id: Identifier
    path: str = Field("/", description="Folder on the server.")
    host_key: str = Field(description="The server's public key, such as 'ssh-ed25519 AAAA...'; any other is refused.")


class HttpRetry(Strict):
    """How often a passing fault of an HTTP server is tried again, and how long to wait in between."""

    attempts: int = Field(6, ge=1, le=20)
    first_wait_s: float = Field(1.0, gt=0, description="Doubled at each attempt, with jitter; Retry-After wins.")
    longest_wait_s: float = Field(60.0, gt=0)


class _Http(Strict):
    """What all HTTP servers share: patience, and limits that keep this machine unharmed."""

    conn_id: Identifier
    timeout_s: float = Field(60, gt=0, description="Seconds for one answer, from the request to its last byte.")
    max_page_mb: int = Field(64, ge=1, description="An answer that is larger is refused; it is held in memory.")
    retry: HttpRetry = HttpRetry()


class FhirConnection(_Http):
    """A FHIR R4 server. The connection holds its base address, and what it needs of these: a bearer token as password
    without a login, or login and password.
    """

    kind: Literal["fhir"]
    page_size: int = Field(200, ge=1, le=10_000)


class ApiKey(Strict):
    """Where a REST server wants its key; the key itself is the password of the connection."""

    place: Literal["header", "query"]
    name: Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
    prefix: str = Field("", description="Stands before the key, for example 'Bearer '.")


class RestConnection(_Http):
    """A REST server that answers in JSON; the connection holds the base address and the key.

    Without `api_key` the key is sent as to a FHIR server.
    """

    kind: Literal["rest"]
    api_key: ApiKey | None = None


FileConnection = LandingConnection | FolderConnection | SftpConnection
DatabaseConnection = PostgresConnection | MySqlConnection | SqliteConnection | SqlAlchemyConnection | AdbcConnection
HttpConnection = FhirConnection | RestConnection
Connection = Annotated[DatabaseConnection | FileConnection | HttpConnection, Field(discriminator="kind")]

READ_BY = {
    **dict.fromkeys(("postgres", "mysql", "sqlite", "sqlalchemy", "adbc"), "relation"),
    **dict.fromkeys(("landing", "folder", "sftp"), "files"),
    "fhir": "search",
    "rest": "request",
}
"""The part of a table that says what is read, for each kind of connection."""

IN_ONE_TRANSACTION = ("postgres", "mysql", "sqlite", "sqlalchemy", "adbc")
"""Kinds of connection by which several tables can show one moment."""
