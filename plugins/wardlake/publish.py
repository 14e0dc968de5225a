"""Gold becomes visible to readers in one atomic step, and only after its checks passed.

A publication is a folder with read-only DuckDB files, `gold.duckdb` for BI and `silver.duckdb` for the data team.
`published/current` is a symbolic link that is replaced in one system call: a reader that opened the former
publication goes on reading it, and no reader waits for the writer.
"""

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict

from wardlake.errors import PermanentError
from wardlake.quality import Verdict, judge_gold
from wardlake.settings import Settings
from wardlake.version import code_version
from wardlake.warehouse.connection import connect, translate
from wardlake.warehouse.expose import REFUSED, Exposed, current_build, save_build

PUBLISHED_SCHEMAS = ("gold", "silver")


@dataclass(frozen=True)
class GateResult:
    """What gold's checks said; all of them let it through."""

    build_id: str
    verdicts: list[Verdict]


class Publication(BaseModel):
    """The record beside published tables: what they hold and what they were built from."""

    model_config = ConfigDict(frozen=True)

    publication_id: str
    build_id: str
    published_at: datetime
    tables: dict[str, int]
    inputs: list[Exposed]
    pseudonym_key_version: str
    code_version: str


def gate(settings: Settings, build_id: str | None = None) -> GateResult:
    """Judge the gold that was built, and mark the build as fit for publishing.

    Raises:
        PermanentError: a check of gold failed or could not be run; published gold stays as it was.
        PassingError: another build has begun since.
    """
    build = current_build(settings, build_id)
    verdicts = judge_gold(settings)
    refused = [verdict for verdict in verdicts if verdict.status in (*REFUSED, "quarantined")]
    if refused or not verdicts:
        told = "; ".join(f"gold.{verdict.table}: {_why(verdict)}" for verdict in refused) or "there is no gold suite"
        raise PermanentError(
            f"The gate stays shut: {told}.",
            remedy="Published gold stays as it was. Mend the data or the model, then build again.",
        )
    save_build(settings, current_build(settings, build.build_id).model_copy(update={"status": "passed"}))
    return GateResult(build.build_id, verdicts)


def publish(settings: Settings, build_id: str | None = None) -> Publication:
    """Publish the gold of the build that passed the gate.

    Raises:
        PermanentError: the build did not pass the gate, or the disk is full.
        PassingError: another build has begun since, or holds the warehouse.
    """
    build = current_build(settings, build_id)
    if build.status != "passed":
        raise PermanentError(
            "The build in the warehouse has not passed the gate.", remedy="Run the gate; it names what fails."
        )
    published_at = datetime.now(UTC)
    publication_id = f"{published_at:%Y%m%dT%H%M%S%fZ}-{build.build_id[:8]}"
    folder = settings.published_dir / publication_id
    unfinished = folder.with_suffix(".unfinished")
    try:
        _remove_leftovers(settings.published_dir)
        unfinished.mkdir(parents=True)
        tables = _copy_tables(settings, unfinished)
        publication = Publication(
            publication_id=publication_id,
            build_id=build.build_id,
            published_at=published_at,
            tables=tables,
            inputs=build.exposed,
            pseudonym_key_version=settings.pseudonym_key_version,
            code_version=code_version(),
        )
        (unfinished / "publication.json").write_text(publication.model_dump_json(indent=1))
        unfinished.rename(folder)
        _point_current_at(settings.published_dir, publication_id)
        _prune(settings.published_dir, settings.published_keep)
    except duckdb.Error as error:
        raise translate(error, "The publication of gold") from error
    except OSError as error:
        raise PermanentError(
            f"Gold could not be published: {error.strerror}.",
            remedy=f"Free room in, or give rights on, {settings.published_dir}. Published gold stays as it was.",
        ) from error
    return publication


def current_publication(settings: Settings) -> Publication | None:
    """The publication that readers see now, if there is one."""
    path = settings.published_dir / "current" / "publication.json"
    return Publication.model_validate_json(path.read_text()) if path.exists() else None


def _why(verdict: Verdict) -> str:
    failed = [rule.rule_id for rule in verdict.rules if rule.status in ("failed", "error") and rule.action != "warn"]
    return ", ".join(failed) or verdict.message or verdict.status


def _copy_tables(settings: Settings, folder: Path) -> dict[str, int]:
    rows: dict[str, int] = {}
    with connect(settings) as engine:
        engine.execute(f"ATTACH '{settings.warehouse_path}' AS built (READ_ONLY)")
        for schema in PUBLISHED_SCHEMAS:
            engine.execute(f"ATTACH '{folder / f'{schema}.duckdb'}' AS {schema}_out")
            names = engine.execute(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = 'built' AND schema_name = ? ORDER BY ALL",
                [schema],
            ).fetchall()
            for (name,) in names:
                counted = engine.execute(f'CREATE TABLE {schema}_out."{name}" AS FROM built.{schema}."{name}"')
                rows[f"{schema}.{name}"] = counted.fetchall()[0][0]
            engine.execute(f"DETACH {schema}_out")
            (folder / f"{schema}.duckdb").chmod(0o444 if schema == "gold" else 0o400)
    return rows


def _point_current_at(published_dir: Path, publication_id: str) -> None:
    link = published_dir / f"current.{publication_id}"
    os.symlink(publication_id, link, target_is_directory=True)
    link.replace(published_dir / "current")


def _remove_leftovers(published_dir: Path) -> None:
    for path in published_dir.glob("*.unfinished"):
        shutil.rmtree(path, ignore_errors=True)
    for path in published_dir.glob("current.*"):
        path.unlink(missing_ok=True)


def _prune(published_dir: Path, keep: int) -> None:
    publications = sorted(path for path in published_dir.iterdir() if path.is_dir() and not path.is_symlink())
    for path in publications[:-keep]:
        shutil.rmtree(path, ignore_errors=True)
