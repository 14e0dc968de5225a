"""What the tables of the warehouse were built from, so that a build repeats only what comes after a change.

Everything that the rows of a model follow from has a fingerprint: each bronze view, by its text, which names files that
are never changed; and all the rest together: models, tests, variables, code and key. The fingerprints of the last build
are kept in the warehouse itself, so that they cannot belong to another one. A build drops them when it begins and
writes them when it has ended well: after a failure everything is built again.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import duckdb

from wardlake.privacy import pseudonym_pads
from wardlake.settings import Settings
from wardlake.sources import active_sources
from wardlake.sql import as_text
from wardlake.version import code_version
from wardlake.warehouse.connection import connect, translate

REST = "all but bronze"
READ_BY_DBT = ("*.yml", "models/**/*", "macros/**/*", "tests/**/*", "seeds/**/*", "snapshots/**/*")
BUILT_BY = ("dbt-core", "dbt-duckdb", "duckdb")

Fingerprints = dict[str, str]
"""A digest for each bronze view, by `<source>.<view>`, and one for REST."""


@dataclass(frozen=True)
class Changes:
    """What a build follows from, and the bronze views that the last one did not see so; None: build everything."""

    now: Fingerprints
    tables: list[str] | None


def begin(settings: Settings, variables: dict[str, object]) -> Changes:
    """Find what has changed since the last build, and forget that one. `variables` are those of dbt.

    Raises:
        PermanentError: there is no key for pseudonyms, or the warehouse cannot be used.
        PassingError: another process writes the warehouse.
    """
    rest = _rest(settings, variables)
    with connect(settings, settings.warehouse_path) as engine:
        try:
            now = {**_bronze(settings, engine), REST: rest}
            before = _remembered(engine)
            _forget(engine)
        except duckdb.Error as error:
            raise translate(error, "The record of the last build") from None
    if before.keys() != now.keys() or before[REST] != now[REST]:
        return Changes(now, None)
    return Changes(now, [name for name in now if before[name] != now[name]])


def remember(settings: Settings, built_from: Fingerprints) -> None:
    """Keep what the tables were built from, unless bronze was exposed anew meanwhile."""
    with connect(settings, settings.warehouse_path) as engine:
        try:
            if {**_bronze(settings, engine), REST: built_from[REST]} == built_from:
                rows = ", ".join(f"({as_text(name)}, '{digest}')" for name, digest in built_from.items())
                engine.execute("CREATE SCHEMA IF NOT EXISTS wardlake")
                engine.execute(f"CREATE TABLE wardlake.built_from AS FROM (VALUES {rows}) AS built(name, fingerprint)")
        except duckdb.Error as error:
            raise translate(error, "The record of the last build") from None


def forget(settings: Settings) -> None:
    """Let the next build be a full one: somebody is about to change tables by hand.

    Raises:
        PassingError: another process writes the warehouse.
    """
    if settings.warehouse_path.exists():
        with connect(settings, settings.warehouse_path) as engine:
            _forget(engine)


def _remembered(engine: duckdb.DuckDBPyConnection) -> Fingerprints:
    known = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'wardlake' AND table_name = 'built_from'"
    if not engine.execute(known).fetchall()[0][0]:
        return {}
    return dict(engine.execute("SELECT name, fingerprint FROM wardlake.built_from").fetchall())


def _forget(engine: duckdb.DuckDBPyConnection) -> None:
    engine.execute("DROP TABLE IF EXISTS wardlake.built_from")


def _bronze(settings: Settings, engine: duckdb.DuckDBPyConnection) -> Fingerprints:
    views = engine.execute("SELECT schema_name, view_name, sql FROM duckdb_views() ORDER BY ALL").fetchall()
    names = {f"bronze_{source.name}": source.name for source in active_sources(settings)}
    return {
        f"{names[schema]}.{view}": hashlib.sha256(sql.encode()).hexdigest()
        for schema, view, sql in views
        if schema in names
    }


def _rest(settings: Settings, variables: dict[str, object]) -> str:
    """Digest of everything but bronze. It is keyed by the pseudonyms' key, and says nothing about it."""
    digest = hmac.new(pseudonym_pads(settings).inner, digestmod=hashlib.sha256)
    facts = [code_version(), settings.warehouse, *map(version, BUILT_BY), json.dumps(variables, sort_keys=True)]
    for part in (*(fact.encode() for fact in facts), *_project_files(settings.dbt_dir)):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _project_files(folder: Path) -> list[bytes]:
    """Names and contents of what dbt reads, without what it or an editor leaves beside it."""
    paths = sorted(path for part in READ_BY_DBT for path in folder.glob(part) if path.is_file())
    return [part for path in paths for part in (str(path.relative_to(folder)).encode(), path.read_bytes())]
