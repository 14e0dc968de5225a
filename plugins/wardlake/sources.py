"""The YAML of a hospital system: connection, tables, keys, contract, PII classes, owner.

One file per system in `dags/sources/`; every problem of every file is reported in one pass.
"""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wardlake.errors import PermanentError
from wardlake.settings import Settings

ENTITIES = (
    "facilities", "wards", "beds", "bed_statuses", "patients", "practitioners", "encounters", "ward_stays",
    "diagnoses", "procedures", "observations", "drugs", "drug_prices", "drug_events", "staff_shifts",
    "staff_hours", "daily_census",
)  # fmt: skip
TIMEZONES = available_timezones()
LINEAGE_COLUMNS = ("_row_id", "_batch_id", "_source", "_extracted_at", "_file", "_line")

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
PiiClass = Literal["none", "identifier", "name", "contact", "address", "birth_date", "free_text", "quasi"]


class SourceError(PermanentError):
    """Source YAMLs that cannot be used; the message lists every problem."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Facility(_Strict):
    """The hospital that a system belongs to; a census midnight is local to its time zone."""

    id: Identifier
    name: str
    timezone: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in TIMEZONES:
            raise ValueError(f"'{value}' is not an IANA time zone such as Europe/Berlin")
        return value


class PostgresConnection(_Strict):
    """A PostgreSQL database; the address and password come from the connection `conn_id`."""

    kind: Literal["postgres"]
    conn_id: Identifier
    max_connections: int = Field(4, ge=1, le=32, description="Connections opened on the hospital's server at once.")
    statement_timeout_s: int = Field(600, ge=1)


class LandingConnection(_Strict):
    """Files that a system drops under `<prefix>/` in the landing bucket."""

    kind: Literal["landing"]
    prefix: str


class Column(_Strict):
    """A column as it stands in bronze. `type` is a DuckDB type; `pii` is never left out."""

    type: str
    pii: PiiClass
    description: str = ""


class FileSpec(_Strict):
    """How the files of a table are found and read. Every value is kept as text."""

    pattern: str
    format: Literal["csv", "xlsx"]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"
    header_row: int = Field(1, ge=1, description="Row of the header, counted from 1.")
    sheet: str | None = None


class Table(_Strict):
    """A table of the system, with the contract that its batches must keep."""

    description: str
    relation: Annotated[str, Field(pattern=r"^[A-Za-z_][\w$]*\.[A-Za-z_][\w$]*$")] | None = None
    files: FileSpec | None = None
    mode: Literal["snapshot", "append"] = "snapshot"
    keys: list[str] = Field(min_length=1)
    columns: dict[str, Column] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_consistent(self) -> "Table":
        if unknown := [key for key in self.keys if key not in self.columns]:
            raise ValueError(f"keys {unknown} are not among the columns")
        if reserved := [name for name in self.columns if name in LINEAGE_COLUMNS]:
            raise ValueError(f"columns {reserved} have names that Wardlake keeps for lineage")
        if (self.relation is None) == (self.files is None):
            raise ValueError("give either 'relation' (schema.table) or 'files'")
        if self.files and self.mode != "append":
            raise ValueError("a table of files has mode: append, each file is taken once")
        if self.relation and self.mode != "snapshot":
            raise ValueError("a table of a database has mode: snapshot")
        return self


class Source(_Strict):
    """A hospital system."""

    name: Identifier
    description: str
    owner: str
    schedule: str | None = "@daily"
    triggers_build: bool = True
    facility: Facility
    connection: Annotated[PostgresConnection | LandingConnection, Field(discriminator="kind")]
    provides: list[str] = Field(min_length=1)
    tables: dict[Identifier, Table] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_consistent(self) -> "Source":
        if unknown := [entity for entity in self.provides if entity not in ENTITIES]:
            raise ValueError(f"provides {unknown}: not among the entities {', '.join(ENTITIES)}")
        wanted = "relation" if self.connection.kind == "postgres" else "files"
        if wrong := [name for name, table in self.tables.items() if getattr(table, wanted) is None]:
            raise ValueError(f"tables {wrong} need '{wanted}', as the connection is of kind {self.connection.kind}")
        return self


def read_source(path: Path) -> Source:
    """Read one source YAML.

    Raises:
        SourceError: the file is not YAML, breaks the model, or is not named after its source.
    """
    try:
        source = Source.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise SourceError(f"{path.name} is not YAML: {error}.", remedy="Correct the file.") from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'file'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise SourceError(f"{path.name}: {problems}.", remedy="See docs/onboarding.md for every field.") from None
    if source.name != path.stem:
        raise SourceError(
            f"{path.name} describes the source '{source.name}'.", remedy="Name the file after its source."
        )
    return source


def load_sources(settings: Settings) -> dict[str, Source]:
    """All sources by name, in the order of their names.

    Raises:
        SourceError: lists the problems of all files at once.
    """
    sources: dict[str, Source] = {}
    problems: list[str] = []
    for path in sorted(settings.sources_dir.glob("*.yaml")):
        try:
            sources[path.stem] = read_source(path)
        except SourceError as error:
            problems.append(error.what)
    if problems:
        raise SourceError(" ".join(problems), remedy="Correct these files in dags/sources/.")
    return sources


def active_sources(settings: Settings) -> list[Source]:
    """The sources that `WARDLAKE_SOURCES` names, or all of them.

    Raises:
        SourceError: a name has no YAML.
    """
    sources = load_sources(settings)
    if unknown := [name for name in settings.sources if name not in sources]:
        raise SourceError(
            f"WARDLAKE_SOURCES names {', '.join(unknown)}, which have no YAML in dags/sources/.",
            remedy=f"Known sources: {', '.join(sources) or 'none'}.",
        )
    return [source for name, source in sources.items() if not settings.sources or name in settings.sources]
