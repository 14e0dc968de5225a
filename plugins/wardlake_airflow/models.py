"""The dbt models as tasks, made by Cosmos from dbt's manifest."""

import json
from pathlib import Path

from airflow.sdk import TaskGroup
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, LoadMode, TestBehavior

from wardlake.settings import Settings
from wardlake.warehouse import dbt


def manifest_path(settings: Settings) -> Path:
    """Where `wardlake up` and `wardlake init` write dbt's manifest."""
    return settings.dbt_target_dir / "manifest.json"


def gold_tables(settings: Settings) -> list[str]:
    """Names of the gold tables that the models build, in order."""
    nodes = json.loads(manifest_path(settings).read_text())["nodes"].values()
    return sorted(node["alias"] for node in nodes if node["resource_type"] == "model" and node["schema"] == "gold")


def model_tasks(settings: Settings, **operator_args: object) -> TaskGroup:
    """A task for each model, in the order of their references, and one that runs dbt for all of them."""
    return DbtTaskGroup(
        group_id="models",
        project_config=ProjectConfig(
            dbt_project_path=settings.dbt_dir,
            manifest_path=manifest_path(settings),
            project_name="wardlake",
            install_dbt_deps=False,
            env_vars={
                "WARDLAKE_WAREHOUSE_PATH": str(settings.warehouse_path),
                "WARDLAKE_TEMP_DIR": str(settings.temp_dir),
            },
        ),
        profile_config=ProfileConfig(
            profile_name="wardlake",
            target_name=settings.warehouse,
            profiles_yml_filepath=settings.dbt_dir / "profiles.yml",
        ),
        execution_config=ExecutionConfig(execution_mode=ExecutionMode.WATCHER),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            exclude=dbt.inactive_staging(settings),
            test_behavior=TestBehavior.AFTER_EACH,
            should_detach_multiple_parents_tests=True,
            emit_datasets=False,
        ),
        operator_args={"vars": dbt.dbt_vars(settings), **operator_args},
    )
