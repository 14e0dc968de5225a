"""DAG files as Airflow's DAG processor parses them, in a home of their own and without a metadata database."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from wardlake.settings import PROJECT_ROOT, load_settings
from wardlake.warehouse import dbt

# Airflow makes files in its home when it is imported.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")

from airflow.dag_processing.dagbag import DagBag

DAGS = PROJECT_ROOT / "dags"
Parse = Callable[[str], DagBag]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, _clean_environment: None) -> Path:
    """A home in which dbt's manifest was written."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDLAKE_HOME", str(folder))
        dbt.parse(load_settings())
    return folder


@pytest.fixture
def parse(home: Path, monkeypatch: pytest.MonkeyPatch) -> Parse:
    """Parse a DAG file with the settings that the test has put into the environment."""
    monkeypatch.setenv("WARDLAKE_HOME", str(home))
    monkeypatch.setenv("AIRFLOW__COSMOS__ENABLE_CACHE", "False")

    def parse_file(name: str) -> DagBag:
        bag = DagBag(DAGS, collect_dags=False)
        bag.process_file(str(DAGS / name), only_if_updated=False)
        return bag

    return parse_file


@pytest.fixture
def sources_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source YAMLs of a copy of the project, which a test may change."""
    folder = tmp_path / "project" / "dags" / "sources"
    shutil.copytree(DAGS / "sources", folder)
    (tmp_path / "project" / "dbt_project").symlink_to(PROJECT_ROOT / "dbt_project")
    monkeypatch.setenv("WARDLAKE_PROJECT_ROOT", str(tmp_path / "project"))
    return folder


@pytest.fixture
def add_source(sources_dir: Path) -> Callable[..., None]:
    """Add a source like the pharmacy, under another name and with some of its fields changed."""

    def add(name: str, **changed: object) -> None:
        source = yaml.safe_load((sources_dir / "reference_pharmacy.yaml").read_text()) | {"name": name} | changed
        (sources_dir / f"{name}.yaml").write_text(yaml.safe_dump(source))

    return add
