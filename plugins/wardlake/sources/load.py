"""Source YAMLs from `dags/sources/`; every problem of every file is reported in one pass."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from wardlake.errors import PermanentError
from wardlake.settings import Settings
from wardlake.sources.model import Source


class SourceError(PermanentError):
    """Source YAMLs that cannot be used; the message lists every problem."""


def read_source(path: Path) -> Source:
    """Read one source YAML.

    Raises:
        SourceError: the file is not YAML, breaks the model, or is not named after its source.
    """
    return parse_source(path.read_text(encoding="utf-8"), path.name)


def parse_source(text: str, file_name: str) -> Source:
    """The source that the text of a file of this name describes; raises what `read_source` raises."""
    try:
        source = Source.model_validate(yaml.load(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise SourceError(f"{file_name} is not YAML: {error}.", remedy="Correct the file.") from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'file'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise SourceError(f"{file_name}: {problems}.", remedy="See docs/sources/fields.md for every field.") from None
    if source.name != file_name.removesuffix(".yaml"):
        raise SourceError(
            f"{file_name} describes the source '{source.name}'.", remedy="Name the file after its source."
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
        raise SourceError(
            " ".join(problems), remedy="Correct these files in dags/sources/; docs/sources/fields.md lists every field."
        )
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
