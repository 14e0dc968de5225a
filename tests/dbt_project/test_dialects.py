"""Every model in the words of the warehouses that need an account: rendered by dbt offline, parsed in their dialect.

A parser proves the grammar and the names of functions, not that the engine runs it: docs/warehouses.md has a smoke run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp
from tests.dbt_project.conftest import DBT_PROJECT, declared, facts

SOURCES = ("reference", "reference_pharmacy", "mimic3")
UNKNOWN_TO_THE_PARSER = {
    "bigquery": {"ERROR"},
    "redshift": {"FROM_HEX", "TO_VARBYTE"},
    "athena": {"AT_TIMEZONE", "FAIL", "WITH_TIMEZONE"},
}
ADDRESS = {
    "WARDLAKE_BIGQUERY_PROJECT": "lake",
    "WARDLAKE_BIGQUERY_METHOD": "oauth-secrets",
    "WARDLAKE_BIGQUERY_ENDPOINT": "http://127.0.0.1:9",
    "DBT_ENV_SECRET_BIGQUERY_TOKEN": "nobody",
    "WARDLAKE_REDSHIFT_HOST": "127.0.0.1",
    "WARDLAKE_REDSHIFT_PORT": "9",
    "WARDLAKE_REDSHIFT_DATABASE": "lake",
    "WARDLAKE_REDSHIFT_USER": "nobody",
    "DBT_ENV_SECRET_REDSHIFT_PASSWORD": "only-for-tests",
    "WARDLAKE_ATHENA_WORK_GROUP": "lake",
    "WARDLAKE_ATHENA_FOLDER": "s3://lake",
    "WARDLAKE_S3_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "only-for-tests",
}


def compiled(warehouse: str, folder: Path) -> dict[str, str]:
    """SQL of all models and their tests, by name; nothing is asked of the warehouse."""
    sources = {name: facts(declared(name)) for name in SOURCES}
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "--log-level-file", "none", "compile"]
    command += ["--no-introspect", "--no-populate-cache", "--select", "resource_type:model"]
    done = subprocess.run(
        [*command, "--vars", json.dumps({"sources": sources})],
        env={
            **os.environ,
            **ADDRESS,
            "DBT_PROJECT_DIR": str(DBT_PROJECT),
            "DBT_PROFILES_DIR": str(DBT_PROJECT),
            "DBT_TARGET_PATH": str(folder),
            "DO_NOT_TRACK": "1",
            "WARDLAKE_WAREHOUSE": warehouse,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    models = (folder / "compiled" / "wardlake" / "models").rglob("*.sql")
    return {path.stem: path.read_text() for path in models}


@pytest.mark.parametrize("warehouse", ["bigquery", "redshift", "athena"])
def test_every_model_is_sql_of_the_engine(warehouse: str, tmp_path: Path) -> None:
    models = compiled(warehouse, tmp_path)
    names = {path.stem for path in (DBT_PROJECT / "models").rglob("*.sql")}
    assert names <= models.keys()
    for name, sql in models.items():
        tree = sqlglot.parse_one(sql, dialect=warehouse)  # raises, and shows the place
        unknown = {str(function.this).upper() for function in tree.find_all(exp.Anonymous)}
        assert unknown <= UNKNOWN_TO_THE_PARSER[warehouse], name
        assert not list(tree.find_all(exp.Command)), f"{name} is not understood"
