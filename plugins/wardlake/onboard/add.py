"""`wardlake source add`: from what a system shows to the files of the project."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

from wardlake.errors import PermanentError
from wardlake.onboard import databases, files
from wardlake.onboard.databases import Database
from wardlake.onboard.draft import source_yaml
from wardlake.onboard.found import FoundTable
from wardlake.onboard.health import suggest_classes
from wardlake.onboard.keys import suggest_keys
from wardlake.onboard.profile import profile
from wardlake.onboard.suites import Judged, suite_json
from wardlake.quality.suites import suite_path
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.sources.load import parse_source


@dataclass(frozen=True)
class Answers:
    """What the person knows and the system does not."""

    name: str
    description: str
    owner: str
    facility_id: str
    facility_name: str
    timezone: str
    currency: str

    def header(self) -> dict[str, object]:
        """The fields of the YAML above `connection`."""
        facility = {
            "id": self.facility_id, "name": self.facility_name, "timezone": self.timezone, "currency": self.currency
        }  # fmt: skip
        return {"name": self.name, "description": self.description, "owner": self.owner, "facility": facility}


@dataclass(frozen=True)
class Draft:
    """The files of a new source, and what was found. Suites are by table."""

    source: Source
    yaml: str
    suites: Mapping[str, str]
    tables: Sequence[Judged]
    left_out: Sequence[str]


def draft_source(settings: Settings, answers: Answers, origin: Database | Sequence[Path], *, folder: bool) -> Draft:
    """Describe a database, or files: for the landing bucket, or read from their `folder`.

    Raises:
        PassingError: the database does not answer.
        PermanentError: an answer is not valid; nothing was found that can be described.
    """
    _check(answers)
    with _sampling(settings) as engine:
        if isinstance(origin, Database):
            found = databases.describe(settings, origin, answers.header(), engine)
        else:
            found = files.describe(engine, origin, _file_connection(settings, answers.name, origin, folder=folder))
        judged = [_judge(engine, table) for table in found.tables]
        text = source_yaml(answers.header(), found, judged)
        suites = {one.table.name: suite_json(engine, answers.name, answers.owner, one) for one in judged}
    return Draft(parse_source(text, f"{answers.name}.yaml"), text, suites, judged, found.left_out)


def write_draft(settings: Settings, draft: Draft, *, force: bool) -> list[Path]:
    """Write the YAML and the suites; returns their paths.

    Raises:
        PermanentError: one of them exists, and `force` is not given; nothing was written.
    """
    contents = {source_path(settings, draft.source.name): draft.yaml}
    contents |= {suite_path(settings, draft.source.name, table): suite for table, suite in draft.suites.items()}
    if not force:
        refuse_existing(settings, contents)
    for path, text in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(contents)


def source_path(settings: Settings, name: str) -> Path:
    """File of a source's YAML."""
    return settings.sources_dir / f"{name}.yaml"


def refuse_existing(settings: Settings, paths: Iterable[Path]) -> None:
    """Raise PermanentError if one of the files exists: it may hold somebody's work."""
    if existing := [str(path.relative_to(settings.project_root)) for path in paths if path.exists()]:
        raise PermanentError(
            f"{', '.join(existing)} exists already; nothing was written.",
            remedy="Choose another name, add --force to replace it, or --stdout to compare.",
        )


@contextmanager
def _sampling(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB for the samples, with bounded memory; it reaches no store."""
    settings.temp_dir.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.extract_memory_limit,
        "threads": settings.threads,
        "temp_directory": str(settings.temp_dir),
        "autoinstall_known_extensions": "false",
    }
    with duckdb.connect(config=config) as engine:
        engine.execute("SET enable_progress_bar = false")
        yield engine


def _judge(engine: duckdb.DuckDBPyConnection, table: FoundTable) -> Judged:
    profiles = {column.name: profile(engine, table.sample, column) for column in table.columns}
    classes = suggest_classes(table.columns, profiles)
    return Judged(table, profiles, classes, suggest_keys(engine, table, profiles, classes))


def _check(answers: Answers) -> None:
    """Refuse wrong answers before a system is asked."""
    table = {
        "description": "any",
        "files": {"pattern": "*", "format": "parquet"},
        "keys": ["any"],
        "columns": {"any": {"type": "VARCHAR", "pii": "none"}},
    }
    trial = {**answers.header(), "connection": {"kind": "folder", "path": "."}, "tables": {"any": table}}
    parse_source(yaml.safe_dump(trial), f"{answers.name}.yaml")


def _file_connection(settings: Settings, name: str, paths: Sequence[Path], *, folder: bool) -> dict[str, object]:
    if not folder:
        return {"kind": "landing", "prefix": f"{name}/"}
    folders = {(path if path.is_dir() else path.parent).absolute() for path in paths}
    if len(folders) > 1:
        raise PermanentError(
            "The files are in more than one folder, and a source has one.",
            remedy="Name one folder, or leave out --folder and drop the files in the landing bucket.",
        )
    path = folders.pop()
    is_inside = path.is_relative_to(settings.project_root)
    return {"kind": "folder", "path": str(path.relative_to(settings.project_root) if is_inside else path)}
