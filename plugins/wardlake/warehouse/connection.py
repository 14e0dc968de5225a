"""DuckDB connections that can read the lake: extensions from wheels, an S3 secret, bounded memory."""

import importlib.util
import math
import time
from pathlib import Path

import duckdb

from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.privacy import pseudonym_pads
from wardlake.settings import Settings

LOCK_POLL_S = 0.2


def connect(
    settings: Settings, database: str | Path = ":memory:", *, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """A connection with the lake's extensions, secret, memory limit and pseudonym key.

    Waits a while for another process that writes this database, as the end of a killed run may still be under way.

    Raises:
        PassingError: another process goes on writing this database.
        PermanentError: the file is missing (read only) or not a database.
    """
    if isinstance(database, Path) and not read_only:
        database.parent.mkdir(parents=True, exist_ok=True)
    settings.temp_dir.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
        "temp_directory": str(settings.temp_dir),
        "autoinstall_known_extensions": "false",
    }
    deadline = time.monotonic() + settings.lock_wait_s
    while True:
        try:
            connection = duckdb.connect(str(database), read_only=read_only, config=config)
        except duckdb.Error as error:
            told = translate(error, f"The database {database}")
            if isinstance(told, PassingError) and time.monotonic() < deadline:
                time.sleep(LOCK_POLL_S)
                continue
            raise told from error
        prepare(connection, settings)
        return connection


def prepare(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Load extensions and set the S3 secret, which all cursors share, and what belongs to the session."""
    for extension in ("httpfs", "icu"):
        connection.execute(f"LOAD '{extension_file(extension)}'")
    # waits of 0.25, 0.5, 1 ... seconds, as boto3 waits for the same store
    connection.execute(f"SET GLOBAL http_retries = {settings.s3_attempts - 1}")
    connection.execute("SET GLOBAL http_retry_wait_ms = 250")
    connection.execute("SET GLOBAL http_retry_backoff = 2")
    connection.execute(f"SET GLOBAL http_timeout = {math.ceil(settings.s3_timeout_s)}")
    create_s3_secret(connection, settings)
    prepare_session(connection, settings)


def prepare_session(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Set the time zone (UTC) and the pseudonym key, which a cursor does not inherit from its connection."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    if settings.pseudonym_key is not None:
        pads = pseudonym_pads(settings)
        # as text: a bound parameter makes DuckDB import pandas, which takes longer than many an extraction
        connection.execute(f"SET VARIABLE wardlake_pseudonym_inner = from_hex('{pads.inner.hex()}')")
        connection.execute(f"SET VARIABLE wardlake_pseudonym_outer = from_hex('{pads.outer.hex()}')")


def create_s3_secret(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Give a connection the credentials of the lake; they live in its memory only."""
    secret = settings.s3_secret_access_key
    options = {"TYPE": "s3", "REGION": settings.s3_region}
    if settings.s3_endpoint_url:
        scheme, _, host = settings.s3_endpoint_url.partition("://")
        options |= {"ENDPOINT": host.rstrip("/"), "URL_STYLE": "path", "USE_SSL": str(scheme == "https").lower()}
    if settings.s3_access_key_id and secret:
        options |= {"KEY_ID": settings.s3_access_key_id, "SECRET": secret.get_secret_value()}
    else:
        options |= _chain_credentials()
    listed = ", ".join(f"{name} {_quoted(value)}" for name, value in options.items())
    connection.execute(f"CREATE OR REPLACE SECRET lake ({listed})")


def extension_file(name: str) -> Path:
    """File of a DuckDB extension, from its wheel: nothing is fetched when a connection opens.

    Raises:
        PermanentError: the wheel is not installed.
    """
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    folder = Path(package.origin).parent if package and package.origin else None
    path = folder / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension" if folder else None
    if path is None or not path.exists():
        raise PermanentError(
            f"DuckDB's extension {name} for version {duckdb.__version__} is not installed.",
            remedy=f"Install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}.",
        )
    return path


def relations(connection: duckdb.DuckDBPyConnection, schema: str, database: str | None = None) -> list[str]:
    """Names of the tables and views of a schema; of this connection's own database, or of one that is attached."""
    found = connection.execute(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_catalog = coalesce(?, current_database()) AND table_schema = ? ORDER BY ALL",
        [database, schema],
    )
    return [name for (name,) in found.fetchall()]


def translate(error: duckdb.Error, place: str) -> WardlakeError:
    """A DuckDB error as one that a data team can act on; its own text may hold values and is left out."""
    text = str(error)
    if "lock" in text.lower() and isinstance(error, duckdb.IOException):
        return PassingError(f"{place} is being written by another process.", remedy="Wait until that run has ended.")
    if "No space left" in text or "out of disk" in text.lower():
        return PermanentError(f"{place}: the disk is full.", remedy="Free room below WARDLAKE_HOME, then run again.")
    if isinstance(error, duckdb.OutOfMemoryException):
        return PermanentError(
            f"{place}: the memory limit is too low for this work.", remedy="Raise WARDLAKE_MEMORY_LIMIT."
        )
    if isinstance(error, duckdb.HTTPException) or "error for HTTP" in text:
        told, remedy = "the S3 store did not answer as it should", "Check the S3 server."
        if "RequestTimeTooSkewed" in text:
            told = "the clocks of this machine and of the S3 store differ too much"
            remedy = "Set the clock of this machine (chronyd, systemd-timesyncd)."
        return PassingError(f"{place}: {told}.", remedy=remedy)
    if isinstance(error, duckdb.IOException):
        return PermanentError(
            f"{place} cannot be opened.", remedy="Check that it exists and that this user may read it."
        )
    return PermanentError(
        f"{place}: DuckDB refused the work ({type(error).__name__}).",
        remedy="The server log under WARDLAKE_HOME/logs has the details.",
    )


def _chain_credentials() -> dict[str, str]:
    import boto3  # noqa: PLC0415  only needed on AWS, and slow to import

    credentials = boto3.Session().get_credentials()
    if credentials is None:
        return {}
    frozen = credentials.get_frozen_credentials()
    found = {"KEY_ID": frozen.access_key, "SECRET": frozen.secret_key, "SESSION_TOKEN": frozen.token}
    return {name: value for name, value in found.items() if value}


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
