"""Published tables as read-only DuckDB files, and the frozen copy of a build that the other places are filled from.

A publication is a folder with `gold.duckdb` for BI and `silver.duckdb` for the data team. `published/current` is a
symbolic link that is replaced in one system call: a reader that opened the former publication goes on reading it,
and no reader waits for the writer. A folder is called `.unfinished` while it is written and `.prepared` until it is
shown, so that publishing can be tried again with the very same rows after another place has failed.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from wardlake.errors import PermanentError
from wardlake.publishing.descriptions import Described, describe_tables
from wardlake.publishing.record import Publication
from wardlake.settings import Settings
from wardlake.sql import as_name, as_text
from wardlake.version import code_version
from wardlake.warehouse.built import built_tables
from wardlake.warehouse.connection import connect, translate
from wardlake.warehouse.expose import Build

PUBLISHED_SCHEMAS = ("gold", "silver")
MODE = {"gold": 0o444, "silver": 0o400}


@dataclass(frozen=True)
class Prepared:
    """A publication that is complete on disk, whether readers see it already or not."""

    publication: Publication
    folder: Path

    @property
    def gold(self) -> Path:
        return self.folder / "gold.duckdb"


def prepare(settings: Settings, build: Build, places: Mapping[str, str]) -> Prepared:
    """Copy the tables of a build aside; a copy that is there already is taken as it is.

    Raises:
        PermanentError: the disk is full, or there is no dbt manifest.
        PassingError: another process writes the warehouse.
    """
    with _translated(settings):
        if there := _find(settings.published_dir, build):
            return there
        _remove_leftovers(settings.published_dir)
        published_at = datetime.now(UTC)
        publication_id = f"{published_at:%Y%m%dT%H%M%S%fZ}-{build.build_id[-8:]}"
        folder = settings.published_dir / f"{publication_id}.unfinished"
        folder.mkdir(parents=True)
        described = describe_tables(settings)
        publication = Publication(
            publication_id=publication_id,
            build_id=build.build_id,
            published_at=published_at,
            tables=_copy_tables(settings, folder, described),
            inputs=build.exposed,
            pseudonym_key_version=settings.pseudonym_key_version,
            code_version=code_version(),
            wide_reading=tuple(sorted(name for name, one in described.items() if one.wide_reading)),
            places=dict(places),
        )
        (folder / "publication.json").write_text(publication.model_dump_json(indent=1))
        return Prepared(publication, folder.rename(folder.with_suffix(".prepared")))


def show(settings: Settings, prepared: Prepared) -> None:
    """Let readers see a publication, in one step."""
    published_dir, publication_id = settings.published_dir, prepared.publication.publication_id
    with _translated(settings):
        if prepared.folder.suffix == ".prepared":
            prepared.folder.rename(published_dir / publication_id)
        link = published_dir / f"current.{publication_id}"
        os.symlink(publication_id, link, target_is_directory=True)
        link.replace(published_dir / "current")
        _prune(published_dir, settings.published_keep)


def current_publication(settings: Settings) -> Publication | None:
    """The publication that readers see now, if there is one."""
    path = settings.published_dir / "current" / "publication.json"
    return Publication.model_validate_json(path.read_text()) if path.exists() else None


def _find(published_dir: Path, build: Build) -> Prepared | None:
    for record in published_dir.glob(f"*-{build.build_id[-8:]}*/publication.json"):
        if record.parent.suffix != ".unfinished":
            publication = Publication.model_validate_json(record.read_text())
            if publication.build_id == build.build_id:
                return Prepared(publication, record.parent)
    return None


def _copy_tables(settings: Settings, folder: Path, described: Mapping[str, Described]) -> dict[str, int]:
    rows: dict[str, int] = {}
    with connect(settings) as engine:
        for schema in PUBLISHED_SCHEMAS:
            engine.execute(f"ATTACH '{folder / f'{schema}.duckdb'}' AS {schema}_out")
        for schema, name, batches in built_tables(settings, PUBLISHED_SCHEMAS):
            copy = f"{schema}_out.{as_name(name)}"
            engine.register("batches", batches)
            rows[f"{schema}.{name}"] = engine.execute(f"CREATE TABLE {copy} AS FROM batches").fetchall()[0][0]
            engine.unregister("batches")
            if about := described.get(f"{schema}.{name}"):
                engine.execute(f"COMMENT ON TABLE {copy} IS {as_text(about.text)}")
                for column, text in about.columns.items():
                    engine.execute(f"COMMENT ON COLUMN {copy}.{as_name(column)} IS {as_text(text)}")
        for schema in PUBLISHED_SCHEMAS:
            engine.execute(f"DETACH {schema}_out")
            (folder / f"{schema}.duckdb").chmod(MODE[schema])
    return rows


@contextmanager
def _translated(settings: Settings) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise translate(error, "The publication of gold") from error
    except OSError as error:
        raise PermanentError(
            f"Gold could not be published: {error.strerror}.",
            remedy=f"Free room in, or give rights on, {settings.published_dir}. Published gold stays as it was.",
        ) from error


def _remove_leftovers(published_dir: Path) -> None:
    for path in (*published_dir.glob("*.unfinished"), *published_dir.glob("*.prepared")):
        shutil.rmtree(path, ignore_errors=True)
    for path in published_dir.glob("current.*"):
        path.unlink(missing_ok=True)


def _prune(published_dir: Path, keep: int) -> None:
    publications = sorted(path for path in published_dir.iterdir() if path.is_dir() and not path.is_symlink())
    for path in publications[:-keep]:
        shutil.rmtree(path, ignore_errors=True)
