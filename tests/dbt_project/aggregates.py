"""The example sources of the documentation, read from files by the real readers and built in a project of their own."""

import shutil
from pathlib import Path

import duckdb
from tests.dbt_project.conftest import FILE_LINEAGE, LINEAGE, Warehouse, facts

from wardlake.bronze.readers.files.formats import loader
from wardlake.settings import PROJECT_ROOT
from wardlake.sources import Source, read_source

EXAMPLES = PROJECT_ROOT / "docs" / "sources" / "examples"


def example(name: str) -> Source:
    """A source as the documentation shows it."""
    return read_source(EXAMPLES / f"{name}.yaml")


def project_with(folder: Path, *names: str) -> Path:
    """A copy of the dbt project that has the staging models of these examples."""
    project = folder / "dbt_project"
    shutil.copytree(PROJECT_ROOT / "dbt_project", project)
    for name in names:
        shutil.copytree(EXAMPLES / name, project / "models" / "staging" / name)
    return project


def load_files(warehouse: Warehouse, source: Source, folder: Path) -> dict[str, int]:
    """Bring the files that a source's patterns name into its bronze tables; returns how many rows were left out."""
    left_out: dict[str, int] = {}
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"create schema bronze_{source.name}")
        for name, table in source.tables.items():
            assert table.files
            lineage = ", ".join(f"{column} {type_}" for column, type_ in (LINEAGE | FILE_LINEAGE).items())
            columns = ", ".join(f'"{column}" {spec.type}' for column, spec in table.columns.items())
            connection.execute(f"create table bronze_{source.name}.{name} ({columns}, {lineage})")
            for path in sorted(folder.glob(table.files.pattern)):
                work = warehouse.home / "work" / source.name / name / path.stem
                work.mkdir(parents=True)
                rows = loader(table.files.format)(connection, table.files, table, path, work)
                assert [column.name for column in rows.columns] == list(table.columns)
                connection.execute(
                    f"""insert into bronze_{source.name}.{name} by name
                    select *, _line as _row_id, ? as _batch_id, ? as _source, ? as _file from ({rows.query})""",
                    ["batch", source.name, path.name],
                )
                left_out[name] = left_out.get(name, 0) + rows.left_out_rows
    return left_out


def known(*sources: Source) -> dict[str, dict[str, object]]:
    """What the models are told of active sources."""
    return {source.name: facts(source) for source in sources}
