"""Tables of a database: what its catalogue says, then types and a sample from the reader that will extract them."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Inspector

from wardlake.bronze.readers import open_session
from wardlake.bronze.relation import Opening, Relation, Request
from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.onboard.found import SAMPLE_ROWS, Found, FoundColumn, FoundTable, UnreadableError, refuse_unusable
from wardlake.onboard.naming import identifier
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.sql import as_name, as_text
from wardlake.warehouse.connection import connect
from wardlake.window import Window

KINDS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}
"""Kind of connection by SQLAlchemy's name of the database; all others are read through SQLAlchemy."""

DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
SYSTEM_SCHEMAS = re.compile(r"information_schema|pg_.*|sys|mysql|performance_schema")
RELATION = re.compile(r"([A-Za-z_][\w$]*\.)?[A-Za-z_][\w$]*")
NATURAL = "ANY"
"""No type: the reader delivers what fits the column."""

TEXT = "VARCHAR"
"""Under this type, readers deliver the text of values, and all digits of a NUMERIC without precision."""

BINARY = "BLOB"


@dataclass(frozen=True)
class Database:
    """A database to describe. `address` holds secrets; `conn_id` is the name under which Wardlake will know it."""

    address: str
    conn_id: str
    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    @property
    def url(self) -> sa.URL:
        """The address for SQLAlchemy."""
        try:
            url = sa.make_url(re.sub(r"^postgres:", "postgresql:", self.address))
        except exc.ArgumentError:
            raise PermanentError(
                "The address of the database is no URL.",
                remedy="Write it like postgresql://user:password@host:5432/database.",
            ) from None
        driver = DRIVERS.get(url.drivername)
        return url.set(drivername=driver) if driver else url

    @property
    def kind(self) -> str:
        """Kind of connection in the YAML."""
        return KINDS.get(self.url.get_backend_name(), "sqlalchemy")

    @property
    def connection(self) -> dict[str, object]:
        """The connection of the YAML; it holds no secret."""
        if self.kind == "sqlite":
            return {"kind": "sqlite", "path": str(self.url.database)}
        return {"kind": self.kind, "conn_id": self.conn_id}

    @property
    def reader_uri(self) -> str | None:
        """The address as the reader of this kind takes it from a connection."""
        if self.kind == "sqlite":
            return None
        if self.kind == "sqlalchemy":
            return self.address
        backend = self.url.get_backend_name()
        return self.url.set(drivername=backend).render_as_string(hide_password=False)


def sqlite_address(path: Path) -> str | None:
    """The address of a SQLite database; None if the file is none."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        is_sqlite = stream.read(16) == b"SQLite format 3\0"
    return f"sqlite:///{path}" if is_sqlite else None


@dataclass(frozen=True)
class _Declared:
    """A table as the catalogue shows it; its columns have the types that the reader is asked for."""

    name: str
    relation: str
    description: str
    columns: tuple[FoundColumn, ...]
    keys: tuple[str, ...]


def describe(
    settings: Settings, database: Database, header: dict[str, object], engine: duckdb.DuckDBPyConnection
) -> Found:
    """Describe the tables of a database and fill a sample of each in `engine`.

    `header` are the fields of the YAML above its tables.

    Raises:
        PassingError: the database does not answer.
        PermanentError: a wrong address, a driver that is missing, a table that is not there.
    """
    left_out: list[str] = []
    declared = _catalogue(database, left_out)
    if not declared:
        raise PermanentError(
            f"The database shows no table that could be read. {' '.join(left_out)}".strip(),
            remedy="Name schema and tables with --schema and --tables, and GRANT SELECT on them to the user.",
        )
    found, failed = _read(settings, database, header, declared, engine, as_text=False)
    if failed:
        # values that are not of the type that the database says, such as a date of 0000-00-00, can be read as text
        again = [one for one in declared if one.name in failed]
        as_text, failed = _read(settings, database, header, again, engine, as_text=True)
        found |= as_text
    left_out += [
        f"{one.relation} was left out: it could not be read ({failed[one.name]})."
        for one in declared
        if one.name in failed
    ]
    return Found(database.connection, tuple(found[one.name] for one in declared if one.name in found), tuple(left_out))


def _read(
    settings: Settings,
    database: Database,
    header: dict[str, object],
    declared: Sequence[_Declared],
    engine: duckdb.DuckDBPyConnection,
    *,
    as_text: bool,
) -> tuple[dict[str, FoundTable], dict[str, str]]:
    """The tables as their reader delivers them, and why some could not be read, both by name."""
    draft = {
        one.name: {
            "description": one.relation,
            "relation": one.relation,
            "keys": [one.columns[0].name],
            "columns": {
                column.name: {"type": TEXT if as_text and column.type != BINARY else column.type, "pii": "quasi"}
                for column in one.columns
            },
        }
        for one in declared
    }
    source = Source.model_validate({**header, "connection": database.connection, "tables": draft})
    found: dict[str, FoundTable] = {}
    failed: dict[str, str] = {}
    settings.temp_dir.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=settings.temp_dir, prefix="onboard-") as folder,
        connect(settings.model_copy(update={"memory_limit": settings.extract_memory_limit})) as reading,
        open_session(Opening(settings, Lake(settings), source, database.reader_uri, reading)) as session,
    ):
        for one in declared:
            work = Path(folder) / one.name
            work.mkdir()
            try:
                relation = session.read(Request(one.name, "sample", Window.today(), work))
                _copy_sample(reading, relation, engine, one.name, work)
            except PermanentError as error:
                failed[one.name] = error.what.rstrip(".")
            except duckdb.Error as error:
                failed[one.name] = type(error).__name__
            else:
                notes = ("values did not fit the declared types: the columns are kept as text",) if as_text else ()
                found[one.name] = _as_delivered(one, relation, notes)
    return found, failed


def _as_delivered(declared: _Declared, relation: Relation, notes: tuple[str, ...]) -> FoundTable:
    descriptions = {column.name: column.description for column in declared.columns}
    columns = tuple(
        FoundColumn(column.name, column.type, descriptions.get(column.name, "")) for column in relation.columns
    )
    return FoundTable(
        name=declared.name,
        description=declared.description or f"Table {declared.relation}.",
        reads={"relation": declared.relation},
        columns=columns,
        sample=declared.name,
        declared_keys=declared.keys,
        notes=notes,
    )


def _copy_sample(
    reading: duckdb.DuckDBPyConnection,
    relation: Relation,
    engine: duckdb.DuckDBPyConnection,
    sample: str,
    work: Path,
) -> None:
    """Bring the first rows from the reader's connection, whose transaction stays as it is, into the sample."""
    files, rows = [], 0
    for number, chunk in enumerate(relation.chunks):
        path = work / f"sample-{number}.parquet"
        copied = reading.execute(
            f"COPY (SELECT * FROM ({chunk}) LIMIT {SAMPLE_ROWS - rows}) TO {as_text(str(path))} (FORMAT parquet)"
        ).fetchall()
        files.append(str(path))
        rows += int(copied[0][0])
        if rows >= SAMPLE_ROWS:
            break
    engine.execute(f"CREATE TABLE {as_name(sample)} AS FROM read_parquet({files})")
    for path_text in files:
        Path(path_text).unlink()


def _catalogue(database: Database, left_out: list[str]) -> list[_Declared]:
    try:
        inspector = sa.inspect(sa.create_engine(database.url, poolclass=sa.NullPool, connect_args=_login(database.url)))
        return list(_declared(inspector, database, left_out))
    # no cause is kept: a traceback would show the address, or values of the catalogue
    except (exc.NoSuchModuleError, ImportError):
        raise PermanentError(
            f"No driver is installed for {database.url.drivername}.",
            remedy="Install the database's SQLAlchemy driver, for example oracledb or pymssql.",
        ) from None
    except exc.OperationalError:
        raise PassingError(
            "The database cannot be reached, or refused the login.",
            remedy="Check host, port, user, password and name of the database.",
        ) from None
    except exc.SQLAlchemyError as error:
        raise PermanentError(
            f"The database's catalogue cannot be read ({type(error).__name__}).",
            remedy="Check the address, and that the user may read the catalogue.",
        ) from None


def _login(url: sa.URL) -> dict[str, object]:
    """PyMySQL sends a password in Latin-1, and servers know it in UTF-8."""
    return {"password": url.password.encode()} if url.get_driver_name() == "pymysql" and url.password else {}


def _declared(inspector: Inspector, database: Database, left_out: list[str]) -> Iterator[_Declared]:
    names: set[str] = set()
    seen: list[str] = []
    taken: set[str] = set()
    for schema in _schemas(inspector, database):
        views = inspector.get_view_names(schema)
        for table in [*inspector.get_table_names(schema), *views]:
            relation = f"{schema}.{table}" if schema else table
            seen.append(relation)
            named = {table, relation}.intersection(database.tables)
            taken |= named
            if database.tables and not named:
                continue
            if table in views and not named:
                left_out.append(f"The view {relation} was left out: name it with --tables to take it.")
                continue
            columns = inspector.get_columns(table, schema)
            if problem := _problem(relation, [str(column["name"]) for column in columns]):
                left_out.append(f"{relation} was left out: {problem}.")
                continue
            yield _Declared(
                name=identifier(table, names),
                relation=relation,
                description=_comment(inspector, table, schema),
                columns=tuple(
                    FoundColumn(str(one["name"]), _asked_type(one["type"]), _one_line(one.get("comment")))
                    for one in columns
                ),
                keys=_keys(inspector, table, schema, {str(one["name"]) for one in columns if not one["nullable"]}),
            )
    if missing := [name for name in database.tables if name not in taken]:
        raise PermanentError(
            f"The database shows no table {', '.join(missing)}.",
            remedy=f"Tables that this user sees: {', '.join(seen) or 'none'}.",
        )


def _schemas(inspector: Inspector, database: Database) -> Sequence[str | None]:
    if database.schemas:
        return database.schemas
    if database.kind != "postgres":
        return [None]
    return [name for name in inspector.get_schema_names() if not SYSTEM_SCHEMAS.fullmatch(name)]


def _problem(relation: str, columns: Sequence[str]) -> str | None:
    """Why a table cannot stand in a YAML."""
    if not RELATION.fullmatch(relation):
        return "its name has characters that 'relation' cannot have; let the database's owner make a view of it"
    if not columns:
        return "it has no columns"
    try:
        refuse_unusable(columns)
    except UnreadableError as error:
        return str(error)
    return None


def _comment(inspector: Inspector, table: str, schema: str | None) -> str:
    try:
        comment: dict[str, Any] = dict(inspector.get_table_comment(table, schema))
    except NotImplementedError:
        return ""
    return _one_line(comment.get("text"))


def _asked_type(found: sa.types.TypeEngine[Any]) -> str:
    if isinstance(found, sa.LargeBinary):
        return BINARY
    is_unscaled = isinstance(found, sa.Numeric) and not isinstance(found, sa.Float) and found.precision is None
    return TEXT if is_unscaled else NATURAL


def _one_line(comment: object) -> str:
    return " ".join(str(comment or "").split())


def _keys(inspector: Inspector, table: str, schema: str | None, filled: set[str]) -> tuple[str, ...]:
    """The primary key, or the smallest unique key whose columns are never empty."""
    primary = inspector.get_pk_constraint(table, schema).get("constrained_columns") or []
    if primary:
        return tuple(primary)
    indexes = [one for one in inspector.get_indexes(table, schema) if one["unique"]]
    unique: list[Sequence[str | None]] = [one["column_names"] for one in indexes]
    unique += [one["column_names"] for one in inspector.get_unique_constraints(table, schema)]
    usable = [tuple(str(name) for name in names) for names in unique if names and filled.issuperset(names)]
    return min(usable, key=len, default=())
