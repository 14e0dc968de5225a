"""What parsing a DAG file may do: read small files, and nothing else."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import BaseHook, Variable

from wardlake.settings import PROJECT_ROOT

FILES = ["extract_sources.py", "build_gold.py", "maintain_bronze.py", "quarantine.py"]
LIMIT_S = 0.5

Parse = Callable[[str], DagBag]


class Watch:
    """Audit events of the interpreter while it is on; an audit hook cannot be taken away again."""

    def __init__(self) -> None:
        self.is_on = False
        self.opened: set[Path] = set()
        self.forbidden: list[str] = []
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.is_on:
            return
        if event == "open" and isinstance(arguments[0], str | os.PathLike):
            self.opened.add(Path(os.path.abspath(arguments[0])))
        if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "sqlite3.connect"):
            self.forbidden.append(f"{event} {arguments}")


@pytest.fixture(scope="module")
def watch() -> Watch:
    """One watch for the module."""
    return Watch()


@pytest.fixture
def no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for a Variable or a connection is an error."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("asked for while parsing")

    monkeypatch.setattr(Variable, "get", refuse)
    monkeypatch.setattr(BaseHook, "get_connection", refuse)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.usefixtures("no_metadata")
def test_parsing_reads_the_yamls_and_the_manifest_and_nothing_else(
    parse: Parse, home: Path, watch: Watch, name: str
) -> None:
    parse(name)  # pays for imports
    watch.opened, watch.forbidden, watch.is_on = set(), [], True
    try:
        bag = parse(name)
    finally:
        watch.is_on = False
    assert bag.import_errors == {}
    assert bag.dags
    allowed = {PROJECT_ROOT / "dags" / name, home / "dbt" / "target" / "manifest.json", home / "env"}
    allowed |= set((PROJECT_ROOT / "dags" / "sources").glob("*.yaml"))
    others = {path for path in watch.opened - allowed if path.suffix not in (".py", ".pyc")}
    reads_yamls = PROJECT_ROOT / "dags" / "sources" / "reference.yaml" in watch.opened
    assert reads_yamls == (name != "quarantine.py")  # which needs none before it is triggered
    assert others <= {PROJECT_ROOT / "dbt_project" / "dbt_project.yml"}
    assert watch.forbidden == []


@pytest.mark.parametrize("name", FILES)
def test_parsing_is_quick_once_imports_are_warm(parse: Parse, name: str) -> None:
    parse(name)
    seconds = []
    for _ in range(3):
        begun = time.process_time()
        parse(name)
        seconds.append(time.process_time() - begun)
    assert min(seconds) < LIMIT_S
