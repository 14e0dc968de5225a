"""Where the page 'Data quality' is, and the link to it that a validating task shows."""

from urllib.parse import urlencode

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.configuration import conf
from airflow.sdk.types import TaskInstanceKey

PREFIX = "/wardlake"
"""Where Airflow's web server mounts the page."""
BUILD_DAG = "build_gold"
ASK_TASK = "ask_auditor"


def page_of_run(run_id: str) -> str:
    """Address of a run's page."""
    return f"{_base()}{PREFIX}/quality/runs/{run_id}"


class ReportLink(BaseOperatorLink):
    """Leads from a task to the report of what its DAG run has judged, whether the task passed or failed.

    The address names the DAG run, and the page finds the report: batches are judged before their report is written.
    """

    name = "Quality report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002  Airflow's words
        """Address of the page that finds the report."""
        return f"{_base()}{PREFIX}/quality/dag-run?" + urlencode({"dag_id": ti_key.dag_id, "run_id": ti_key.run_id})


def _base() -> str:
    return str(conf.get("api", "base_url", fallback="")).rstrip("/")
