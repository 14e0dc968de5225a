"""
# Decide on rows in quarantine

Started by hand: trigger it with the table, the batch, what to do and why. `wardlake quarantine ls` and the quality
report name batches and rules.

1. **decide** with `replay`: judges the batch again by its rows, with the suite and the other tables as they are now.
   The former verdict stays stored, the new one counts.
2. **decide** with `accept`: lets the rows of the batch that `rule` holds into silver all the same. It holds for these
   rows only, also when a newer suite judges the batch; a row that another rule holds stays out.

Who has triggered the DAG, the reason and the number of rows go into the quality ledger, where auditors find them;
nobody can sign off a run with a decision of their own. Silver follows with the next run of `build_gold`. Rows cannot be
shown here, as results and logs of tasks hold no values: use `wardlake quarantine show` in a terminal.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param, get_current_context, task

from wardlake.places import table_at
from wardlake.quality import quarantine
from wardlake.settings import load_settings
from wardlake_airflow.callbacks import alert
from wardlake_airflow.faults import told_to_airflow
from wardlake_airflow.windows import name_of_run

with DAG(
    "quarantine",
    description="Judge a batch again, or accept rows that a rule holds.",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=3),
    tags=["wardlake", "quality", "quarantine"],
    params={
        "table": Param("", type="string", pattern=r"^\w+\.\w+$", description="SOURCE.TABLE"),
        "batch": Param("", type="string", minLength=1, description="Id of the batch, or its beginning."),
        "action": Param("replay", type="string", enum=["replay", "accept"], description="What to do."),
        "rule": Param(None, type=["null", "string"], description="Id of the rule whose rows are accepted."),
        "reason": Param("", type="string", minLength=3, description="Why; kept for auditors. Name no patient in it."),
    },
    default_args={
        "owner": "data team",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=1),
        "on_failure_callback": alert,
    },
) as dag:

    @task(doc_md="Does it, in the name of who has triggered the run. Returns the number of rows and the verdict.")
    def decide() -> dict[str, object]:
        context = get_current_context()
        params = context["params"]
        who = {"name": context["dag_run"].triggering_user_name or "", "reason": params["reason"]}
        with told_to_airflow():
            settings = load_settings()
            source, table = table_at(settings, params["table"])
            if params["action"] == "accept":
                rows = quarantine.accept(settings, source, table, params["batch"], params["rule"] or "", **who)
                return {"accepted_rows": rows}
            before, after = quarantine.replay(
                settings, source, table, params["batch"], dag_run=name_of_run(context), **who
            )
        return {
            "batch_id": after.batch_id,
            "verdict": after.status,
            "quarantined_rows": after.quarantined_rows,
            "quarantined_rows_before": before.quarantined_rows,
        }

    decide()
