"""The dbt project on hand-made bronze tables in a DuckDB file of its own, with the real profile and plugin."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from wardlake.settings import PROJECT_ROOT
from wardlake.sources import Source, read_source

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
PSEUDONYM_KEY = "a-key-that-is-used-in-tests-only-0123456789"
LINEAGE = {"_row_id": "BIGINT", "_batch_id": "VARCHAR", "_source": "VARCHAR", "_extracted_at": "TIMESTAMPTZ"}
FILE_LINEAGE = {"_file": "VARCHAR", "_line": "BIGINT"}
Row = dict[str, object]


def declared(name: str) -> Source:
    """A source as its YAML declares it."""
    return read_source(PROJECT_ROOT / "dags" / "sources" / f"{name}.yaml")


def facts(source: Source) -> dict[str, object]:
    """What the models are told of an active source."""
    facility = source.facility
    return {
        "facility_id": facility.id,
        "facility_name": facility.name,
        "timezone": facility.timezone,
        "currency": facility.currency,
        "provides": source.provides,
    }


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file that dbt builds."""

    home: Path

    @property
    def path(self) -> Path:
        return self.home / "warehouse.duckdb"

    def expose(self, source: Source, rows: dict[str, list[Row]]) -> None:
        """Give every table of a source the columns of its YAML and these rows; left out columns are NULL."""
        assert set(rows) <= set(source.tables)
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(f"create schema bronze_{source.name}")
            for name, table in source.tables.items():
                columns = {column: spec.type for column, spec in table.columns.items()} | LINEAGE
                columns |= FILE_LINEAGE if table.files else {}
                listed = ", ".join(f'"{column}" {type_}' for column, type_ in columns.items())
                connection.execute(f"create table bronze_{source.name}.{name} ({listed})")
                for number, row in enumerate(rows.get(name, []), start=1):
                    lineage = {"_row_id": number, "_line": number, "_batch_id": "batch", "_source": source.name}
                    values = {column: value for column, value in (lineage | row).items() if column in columns}
                    assert set(row) <= set(columns)
                    names = ", ".join(f'"{column}"' for column in values)
                    marks = ", ".join("?" for _ in values)
                    connection.execute(
                        f"insert into bronze_{source.name}.{name} ({names}) values ({marks})", list(values.values())
                    )
                if table.history:
                    connection.execute(
                        f"create view bronze_{source.name}.{name}__history as from bronze_{source.name}.{name}"
                    )

    def dbt(
        self, *arguments: str, sources: dict[str, dict[str, object]], project: Path = DBT_PROJECT
    ) -> subprocess.CompletedProcess[str]:
        """Run dbt on the models of these sources."""
        folders = [path.name for path in (project / "models" / "staging").iterdir() if path.is_dir()]
        excluded = [f"path:models/staging/{folder}" for folder in folders if folder not in sources]
        command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "--log-level-file", "none", *arguments]
        command += ["--exclude", *excluded] if excluded and arguments[0] != "parse" else []
        environment = {
            **os.environ,
            "DBT_PROJECT_DIR": str(project),
            "DBT_PROFILES_DIR": str(project),
            "DBT_TARGET_PATH": str(self.home / "target"),
            "DO_NOT_TRACK": "1",
            "WARDLAKE_HOME": str(self.home),
            "WARDLAKE_WAREHOUSE_PATH": str(self.path),
            "WARDLAKE_TEMP_DIR": str(self.home / "tmp"),
            "WARDLAKE_MEMORY_LIMIT": "1GB",
            "WARDLAKE_PSEUDONYM_KEY": PSEUDONYM_KEY,
            "WARDLAKE_S3_ENDPOINT_URL": "http://127.0.0.1:9",
            "WARDLAKE_S3_ACCESS_KEY_ID": "nobody",
            "WARDLAKE_S3_SECRET_ACCESS_KEY": "only-for-tests",
        }
        return subprocess.run(
            [*command, "--vars", json.dumps({"sources": sources})],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def build(
        self, sources: dict[str, dict[str, object]], project: Path = DBT_PROJECT, *, with_unit_tests: bool = False
    ) -> None:
        """Build and test everything; a model or test that fails, fails the test that asks for it."""
        left_out = [] if with_unit_tests else ["--exclude-resource-type", "unit_test"]
        done = self.dbt("build", *left_out, sources=sources, project=project)
        assert done.returncode == 0, done.stdout + done.stderr

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of a query, instants in UTC."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """An empty warehouse for one test module."""
    home = tmp_path_factory.mktemp("warehouse")
    (home / "tmp").mkdir()
    return Warehouse(home)
