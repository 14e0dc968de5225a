"""A project of a test's own, and the command as a person types it."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from wardlake.cli import app
from wardlake.settings import Settings

FACILITY = ["--owner", "lab-it", "--facility-id", "main", "--timezone", "Europe/London", "--currency", "GBP"]
Add = Callable[..., Result]


@pytest.fixture
def project(settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose YAMLs and suites are in an empty folder."""
    return settings.model_copy(update={"project_root": tmp_path / "project"})


@pytest.fixture
def add(project: Settings, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Run `wardlake source add` in the project, with a facility and without a terminal."""
    monkeypatch.setenv("WARDLAKE_HOME", str(project.home))
    monkeypatch.setenv("WARDLAKE_PROJECT_ROOT", str(project.project_root))
    monkeypatch.setenv("WARDLAKE_BUCKET_PREFIX", project.bucket_prefix)

    def run(*arguments: str, facility: list[str] = FACILITY) -> Result:
        return CliRunner().invoke(app, ["source", "add", *arguments, *facility])

    return run


@pytest.fixture
def engine() -> duckdb.DuckDBPyConnection:
    """DuckDB for samples."""
    return duckdb.connect()
