"""The four roles of a hospital's Airflow with users and roles (FAB): `python -m wardlake_airflow.roles` makes them.

Safe to repeat: what a role lacks is added. Airflow's own roles stay as they are; of these, Admin, Op and User can do
what the data team does and sign as well.
"""

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.providers.fab.auth_manager.security_manager.override import FabAirflowSecurityManagerOverride

from wardlake_airflow.links import BUILD_DAG

VIEWER, ANALYST, AUDITOR, DATA_TEAM = (f"Wardlake {name}" for name in ("viewer", "analyst", "auditor", "data team"))

Rights = list[tuple[str, str]]

READ_PAGE: Rights = [("can_read", "Website"), ("can_read", "Plugins"), ("menu_access", "Plugins")]
READ_AIRFLOW: Rights = FabAirflowSecurityManagerOverride.VIEWER_PERMISSIONS
# to answer is to change what build_gold asks, for which Airflow wants the right to edit that DAG as well
SIGN: Rights = [
    ("can_edit", "HITL Detail"),
    ("can_edit", f"DAG:{BUILD_DAG}"),
    ("menu_access", "HITL Detail"),
]
RUN_DAGS: Rights = [
    ("can_edit", "DAGs"),
    ("can_create", "DAG Runs"),
    ("can_edit", "DAG Runs"),
    ("can_create", "Task Instances"),
    ("can_edit", "Task Instances"),
    ("can_create", "Assets"),
]

ROLES: dict[str, Rights] = {
    VIEWER: READ_PAGE,
    ANALYST: [*READ_PAGE, *READ_AIRFLOW],
    AUDITOR: [*READ_PAGE, *READ_AIRFLOW, *SIGN],
    DATA_TEAM: [*READ_PAGE, *READ_AIRFLOW, *RUN_DAGS],
}


def make_roles() -> None:
    """Make the roles, or add what they lack."""
    with get_application_builder() as builder:
        builder.sm.bulk_sync_roles([{"role": role, "perms": rights} for role, rights in ROLES.items()])


if __name__ == "__main__":
    make_roles()
