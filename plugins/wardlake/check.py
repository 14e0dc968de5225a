"""Every problem of settings, source YAMLs, suites and models, found in one pass."""

import json
from pathlib import Path

from wardlake.alerts import check_mutes
from wardlake.definitions import problems_of, read_tables
from wardlake.errors import WardlakeError
from wardlake.quality import check_suites
from wardlake.settings import Settings, load_settings
from wardlake.sources import Source, SourceError, read_source
from wardlake.warehouse import dbt


def check_all() -> list[str]:
    """One line for each problem; an empty list if everything is in order."""
    try:
        settings = load_settings()
    except WardlakeError as error:
        return [str(error)]
    sources, problems = _check_sources(settings)
    problems += check_suites(settings, list(sources.values()))
    problems += check_mutes(settings, list(sources.values()))
    problems += _check_staging(settings, sources)
    problems += problems_of(read_tables(settings.dbt_dir))
    return problems if problems else _check_models(settings)


def _check_sources(settings: Settings) -> tuple[dict[str, Source], list[str]]:
    sources: dict[str, Source] = {}
    problems: list[str] = []
    for path in sorted(settings.sources_dir.glob("*.yaml")):
        try:
            sources[path.stem] = read_source(path)
        except SourceError as error:
            problems.append(str(error))
    unknown = [name for name in settings.sources if name not in sources]
    problems += [f"WARDLAKE_SOURCES names '{name}', which has no YAML." for name in unknown]
    return sources, problems


def _check_staging(settings: Settings, sources: dict[str, Source]) -> list[str]:
    problems = []
    for source in sources.values():
        for entity in source.provides:
            model = settings.dbt_dir / "models" / "staging" / source.name / f"stg_{source.name}__{entity}.sql"
            if not model.exists():
                problems.append(
                    f"{source.name}.yaml provides {entity}, but {model.relative_to(settings.project_root)} is missing."
                )
    return problems


def _check_models(settings: Settings) -> list[str]:
    try:
        manifest = dbt.parse(settings)
    except WardlakeError as error:
        return [str(error)]
    return [problem for model in _models(manifest) for problem in _check_model(model)]


def _models(manifest: Path) -> list[dict[str, object]]:
    """Models of silver and gold: staging may go without contracts, as silver casts to its own."""
    nodes = json.loads(manifest.read_text())["nodes"].values()
    return [node for node in nodes if node["resource_type"] == "model" and node["fqn"][1] != "staging"]


def _check_model(model: dict[str, object]) -> list[str]:
    name, config = str(model["name"]), model["config"]
    problems = [] if model["description"] else [f"Model {name} has no description."]
    assert isinstance(config, dict)  # noqa: S101  dbt's manifest schema
    if not config.get("contract", {}).get("enforced"):
        problems.append(f"Model {name} has no enforced contract.")
    return problems
