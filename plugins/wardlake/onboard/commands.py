"""The commands `wardlake source ...`."""

import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wardlake.console import console, errors
from wardlake.errors import PermanentError
from wardlake.plural import counted
from wardlake.settings import Settings, load_settings
from wardlake.sources import Source, SourceError, load_sources

if TYPE_CHECKING:
    from wardlake.onboard.add import Answers
    from wardlake.onboard.databases import Database

source_app = typer.Typer(help="Hospital systems: describe a new one, hand in its files.", no_args_is_help=True)

QUESTIONS = {
    "owner": "Who answers for the system (a team or an address)",
    "facility-id": "Id of the hospital (small letters, digits and _)",
    "timezone": "Time zone of the hospital (such as Europe/Berlin)",
    "currency": "Currency (such as EUR)",
}

ADDRESS = re.compile(r"[a-z][a-z0-9+_]*://", re.IGNORECASE)


@source_app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the source: small letters, digits and _.")],
    more: Annotated[list[Path] | None, typer.Argument(help="More files.")] = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Address of a database, a file or a folder; left out: the connection --conn-id (WARDLAKE_CONN_<ID>).",
        ),
    ] = None,
    schema: Annotated[str | None, typer.Option(help="Schemas of the database, by comma.")] = None,
    tables: Annotated[str | None, typer.Option(help="Tables or views, by comma; all tables if left out.")] = None,
    conn_id: Annotated[str | None, typer.Option(help="Name of the connection; <name>_db if left out.")] = None,
    folder: Annotated[
        bool,
        typer.Option("--folder", help="Files stay where they are, instead of being dropped in the landing bucket."),
    ] = False,
    description: Annotated[str | None, typer.Option(help="What the system is.")] = None,
    owner: Annotated[str | None, typer.Option(help="Who answers for the system.")] = None,
    facility_id: Annotated[str | None, typer.Option(help="The hospital: small letters, digits and _.")] = None,
    facility_name: Annotated[str | None, typer.Option(help="Name of the hospital for people.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA time zone, such as Europe/Berlin.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217 code, such as EUR.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print the YAML and write nothing.")] = False,
) -> None:
    """Write a first source YAML and first suites for a database or for files."""
    from wardlake.onboard import add as onboarding  # noqa: PLC0415  keeps `wardlake --help` quick
    from wardlake.onboard.summary import print_draft  # noqa: PLC0415

    settings = load_settings()
    if not (force or stdout):
        onboarding.refuse_existing(settings, [onboarding.source_path(settings, name)])
    place = _origin(settings, name, origin, more or [], conn_id, _listed(schema), _listed(tables))
    answers = _answers(settings, name, description, owner, facility_id, facility_name, timezone, currency)
    draft = onboarding.draft_source(settings, answers, place, folder=folder)
    if stdout:
        print(draft.yaml, end="")
    else:
        onboarding.write_draft(settings, draft, force=force)
    print_draft(errors if stdout else console, settings, draft, is_written=not stdout)


@source_app.command()
def deliver(
    name: Annotated[str, typer.Argument(help="Name of the source.")],
    files: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
) -> None:
    """Put files into the landing bucket, as the system would drop them."""
    from wardlake.onboard.deliver import deliver as put  # noqa: PLC0415  keeps `wardlake --help` quick

    settings = load_settings()
    is_read = put(settings, _known(settings, name), files)
    console.print(
        f"Delivered: {counted(sum(is_read.values()), 'file')} to the bucket {settings.bucket('landing')}",
        highlight=False,
    )
    for left in (file for file, wanted in is_read.items() if not wanted):
        console.print(f"- {left} was left out: no table reads a file of this name", markup=False, highlight=False)


@source_app.command()
def stage(
    name: Annotated[str, typer.Argument(help="Name of the source.")],
    entity: Annotated[str, typer.Argument(help="Silver entity that the model feeds, such as encounters.")],
    table: Annotated[str | None, typer.Option(help="Bronze table to begin with, if the source has several.")] = None,
) -> None:
    """Write a first staging model, with every column of the silver entity."""
    from wardlake.onboard.stage import write_model  # noqa: PLC0415  keeps `wardlake --help` quick

    settings = load_settings()
    source = _known(settings, name)
    for path in write_model(settings.dbt_dir, source, entity, table):
        console.print(f"Written: {path.relative_to(settings.project_root)}", markup=False, highlight=False)
    if entity not in source.provides:
        provides = ", ".join([*source.provides, entity])
        console.print(
            f"Next: fill it in; set provides: [{provides}] and triggers_build: true in dags/sources/{name}.yaml; "
            "wardlake check",
            markup=False,
            highlight=False,
        )


def _known(settings: Settings, name: str) -> Source:
    sources = load_sources(settings)
    if name not in sources:
        raise SourceError(f"There is no source {name}.", remedy=f"Sources: {', '.join(sources) or 'none'}.")
    return sources[name]


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _origin(
    settings: Settings,
    name: str,
    origin: str | None,
    more: list[Path],
    conn_id: str | None,
    schemas: tuple[str, ...],
    tables: tuple[str, ...],
) -> "Database | list[Path]":
    """The database or the files to describe."""
    from wardlake.onboard.databases import Database, sqlite_address  # noqa: PLC0415  SQLAlchemy is slow to import

    conn_id = conn_id or f"{name}_db"
    if origin is None and not more:
        return Database(settings.connection_uri(conn_id), conn_id, schemas, tables)
    if origin and ADDRESS.match(origin):
        if more:
            raise PermanentError("A source is one database or files.", remedy="Leave out the files, or the address.")
        return Database(origin, conn_id, schemas, tables)
    paths = [*([Path(origin)] if origin else []), *more]
    if len(paths) == 1 and (address := sqlite_address(paths[0])):
        return Database(address, conn_id, schemas, tables)
    return paths


def _answers(
    settings: Settings,
    name: str,
    description: str | None,
    owner: str | None,
    facility_id: str | None,
    facility_name: str | None,
    timezone: str | None,
    currency: str | None,
) -> "Answers":
    """What was given, what is known of the only facility so far, what the person types; or what is missing."""
    from wardlake.onboard.add import Answers  # noqa: PLC0415

    known = _only_facility(settings) if facility_id is None else {}
    values = {
        "owner": owner,
        "facility-id": facility_id or known.get("id"),
        "timezone": timezone or known.get("timezone"),
        "currency": currency or known.get("currency"),
    }
    missing = [option for option, value in values.items() if not value]
    if missing and not sys.stdin.isatty():
        raise PermanentError(
            f"{name}: {', '.join('--' + option for option in missing)} must be given.",
            remedy="Add these options, or run the command in a terminal, where it asks.",
        )
    for option in missing:
        values[option] = typer.prompt(QUESTIONS[option], err=True)
    facility = str(values["facility-id"])
    return Answers(
        name=name,
        description=description or f"The system {name}.",
        owner=str(values["owner"]),
        facility_id=facility,
        facility_name=facility_name or known.get("name") or facility.replace("_", " ").title(),
        timezone=str(values["timezone"]),
        currency=str(values["currency"]),
    )


def _only_facility(settings: Settings) -> dict[str, str]:
    """The facility of all sources so far, if it is one."""
    with suppress(SourceError):
        facilities = {source.facility for source in load_sources(settings).values()}
        if len(facilities) == 1:
            return {key: str(value) for key, value in facilities.pop().model_dump().items()}
    return {}
