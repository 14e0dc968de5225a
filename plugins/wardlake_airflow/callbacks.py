"""What is logged when a task has failed: one line that an alert can be made from."""

import logging

from airflow.sdk import Context

log = logging.getLogger("wardlake.alert")


def log_failure(context: Context) -> None:
    """Log one line with DAG, task, table, run and the message, which names the batch and the remedy."""
    instance = context["ti"]
    place = f"{instance.dag_id}.{instance.task_id}"
    if table := getattr(instance, "rendered_map_index", None):
        place += f"[{table}]"
    log.error("WARDLAKE FAILED %s, run %s: %s", place, instance.run_id, context.get("exception"))
